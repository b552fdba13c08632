"""What several modules of tests read: written once, copied where it is spoilt."""

import shutil
from contextlib import chdir

import pytest
from brats_files import FIRST, SHAPE

from gliomake.phantom.brats import write_brats2020, write_brats2021


@pytest.fixture(scope="session")
def small_report(tmp_path_factory):
    """A small study with its report."""
    from gliomake.report import build_report
    from report_study import make_small_study

    root = tmp_path_factory.mktemp("small")
    with chdir(root):
        study = make_small_study(root)
        build_report([study.inputs()], "reports/build")
    return study


@pytest.fixture(scope="session")
def brats(tmp_path_factory):
    """One phantom in every layout, a folder a layout."""
    root = tmp_path_factory.mktemp("brats")
    write_brats2020(root / "nifti", 3, seed=1, shape=SHAPE, compress=True, wrapped=False)
    write_brats2020(root / "plain", 3, seed=1, shape=SHAPE, wrapped=False)
    write_brats2020(root / "slices", 3, seed=1, shape=SHAPE, layout="slices", wrapped=False)
    write_brats2021(root / "2021", 2, seed=1, shape=SHAPE, wrapped=False)
    write_brats2021(root / "2023", 2, seed=1, shape=SHAPE, release="2023", wrapped=False)
    return root


@pytest.fixture
def brats_case(brats, tmp_path):
    """A copy of the NIfTI files to spoil; gives its first case's folder."""
    shutil.copytree(brats / "nifti", tmp_path / "nifti")
    return tmp_path / "nifti" / FIRST


@pytest.fixture
def brats_slices(brats, tmp_path):
    """A copy of the slice files to spoil."""
    shutil.copytree(brats / "slices", tmp_path / "slices")
    return tmp_path / "slices"
