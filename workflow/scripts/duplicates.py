"""List the pairs of images of a data set that are there twice or look alike."""

from adapter import logged
from gliomake.files.contracts import read_json
from gliomake.files.tsv import write_tsv
from gliomake.prepare.duplicate_pairs import duplicate_pairs
from gliomake.prepare.index import read_index_group


def main(snakemake):
    files = snakemake.input
    refused = {problem["case"] for problem in read_json(files.integrity)["refused"]}
    reports = [report for path in files.reports for report in read_index_group(path)]
    kept = [report for report in reports if report.case not in refused]
    write_tsv(duplicate_pairs(kept), snakemake.output.duplicates)


logged(main, snakemake)  # noqa: F821
