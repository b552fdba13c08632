# Where this workflow lies, and where it is started: not the same folder when another Snakefile uses
# it as a module, or with --directory.
import io
import os
import tarfile
import tempfile
from pathlib import Path

from snakemake.sourcecache import LocalSourceFile


def place_of_workflow(rules, cache):
    """The checkout; for rules that Snakemake reads from a git repository, a copy of that commit.

    Snakemake fetches such a repository whole, but hands out single files: neither the library nor
    the pages of the studies would be there.
    """
    if isinstance(rules, LocalSourceFile):
        return Path(rules.get_path_or_uri(secret_free=False)).resolve().parents[1]
    rules.cache_path = cache
    repository = rules.hosted_repo.repo
    commit = repository.commit(rules.ref).hexsha
    folder = Path(cache) / "gliomake" / commit
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        packed = io.BytesIO()
        repository.archive(packed, treeish=commit)
        packed.seek(0)
        with tempfile.TemporaryDirectory(dir=folder.parent) as private:
            with tarfile.open(fileobj=packed) as archive:
                archive.extractall(Path(private) / "whole", filter="data")
            try:
                os.rename(Path(private) / "whole", folder)
            except OSError:  # another start was faster
                if not folder.is_dir():
                    raise
    return folder.resolve()


BASE = place_of_workflow(workflow.current_basedir, workflow.sourcecache.cache_path)
HERE = Path.cwd()
# As a module: targets, and the rest of the configuration, are another Snakefile's.
IS_MODULE = not workflow.modifier.is_main_snakefile()


def own_file(path):
    """A file of the folder that the workflow is started in, which stands before the checkout's."""
    mine, ours = HERE / path, BASE / path
    return mine if mine.is_file() and not mine.samefile(ours) else None
