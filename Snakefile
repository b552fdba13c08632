import os

from snakemake.utils import min_version

min_version("9.19")


configfile: os.path.relpath(f"{workflow.basedir}/config/config.yaml")


report: "reports/captions/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/phantom.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/split.smk"
include: "workflow/rules/shards.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/report.smk"


rule all:
    default_target: True
    input:
        [study_targets(study) for study in config["studies"]],
        "reports/build/index.html",


# One rule a study: its page's name with underscores.
for study in STUDIES:

    rule:
        name:
            study.replace("-", "_")
        input:
            study_targets(study),


check_request()
