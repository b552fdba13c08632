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


rule coco_unet:
    input:
        study_targets("coco-unet"),


rule brats2020_multiclass:
    input:
        study_targets("brats2020-multiclass"),


rule lgg_two_stage:
    input:
        study_targets("lgg-two-stage"),


rule lgg_encoders:
    input:
        study_targets("lgg-encoders"),


rule brats2021_flair:
    input:
        study_targets("brats2021-flair"),


check_request()
