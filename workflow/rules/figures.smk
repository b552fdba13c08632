# Every figure and table of the documents, by its name. What a kind needs stands in gliomake.study.kinds.


rule figure:
    input:
        unpack(target_inputs("figures")),
    output:
        svg=report(
            STUDY.figure("{target}"),
            category="{study}",
            subcategory="figures",
            labels={"figure": "{target}"},
            caption="../../reports/captions/figure.rst",
        ),
        png=STUDY.figure("{target}", ".png"),
    log:
        "logs/figures/{study}/{target}.log",
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        study=setting(lambda study: study.plain),
        data=lambda wildcards: data_kind(dataset_of(wildcards)),
        options=lambda wildcards: dataset_options(dataset_of(wildcards)),
        scale=config["scale"],
        caption=lambda wildcards: figure_caption(
            STUDIES[wildcards.study], wildcards.target, config["scale"]
        ),
        code=code_of("figure"),
    script:
        "../scripts/figure.py"


rule table:
    input:
        unpack(target_inputs("tables")),
    output:
        csv=report(
            STUDY.table("{target}"),
            category="{study}",
            subcategory="tables",
            labels={"table": "{target}"},
            caption="../../reports/captions/table.rst",
        ),
    log:
        "logs/tables/{study}/{target}.log",
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        study=setting(lambda study: study.plain),
        data=lambda wildcards: data_kind(dataset_of(wildcards)),
        options=lambda wildcards: dataset_options(dataset_of(wildcards)),
        scale=config["scale"],
        code=code_of("table"),
    script:
        "../scripts/table.py"
