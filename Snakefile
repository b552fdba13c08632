import os

from snakemake.utils import min_version

min_version("9.19")


include: "workflow/rules/place.smk"


configfile: os.path.relpath(BASE / "config/config.yaml")


# In another folder: what that folder sets, over the defaults.
if own_file("config/config.yaml"):

    configfile: "config/config.yaml"


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
        [products(study).all() for study in config["studies"]],
        PATHS.report.index,


# One target a study, by its name with underscores.
for study in STUDIES:

    rule:
        name:
            study.replace("-", "_")
        input:
            products(study).all(),


check_request(workflow, config, STUDIES, COMMAND, patients_of, among_others=IS_MODULE)
