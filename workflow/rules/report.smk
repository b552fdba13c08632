# The audit of what was reported, what a leak is worth, the report, and its verification.


rule claims:
    input:
        unpack(audited_files),
        claims=home("config/claims.tsv"),
    output:
        claims=report(
            "results/{study}/claims.tsv",
            category="{study}",
            subcategory="claims",
            caption="../../reports/captions/claims.rst",
        ),
        findings="results/{study}/findings.json",
    log:
        "logs/claims/{study}.log",
    conda:
        "../../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        study=lambda wildcards: STUDIES[wildcards.study],
        data=lambda wildcards: data_kind(dataset_of(wildcards)),
        scale=config["scale"],
        code=code_of("claims"),
    script:
        "../scripts/claims.py"


rule leakage:
    input:
        counts=leak_counts,
    output:
        leakage="results/{study}/leakage.tsv",
        spread="results/{study}/spread.tsv",
    log:
        "logs/leakage/{study}.log",
    conda:
        "../../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        study=lambda wildcards: STUDIES[wildcards.study],
        bootstrap=config["bootstrap"],
        code=code_of("leakage"),
    script:
        "../scripts/leakage.py"


rule study_page:
    input:
        unpack(reported_files),
        reported=home("config/claims.tsv"),
        templates=template_files(),
    output:
        page="reports/build/{study}.html",
        numbers="reports/build/numbers/{study}.json",
        cards=directory("reports/build/cards/{study}"),
    log:
        "logs/report/{study}.log",
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        study=lambda wildcards: STUDIES[wildcards.study],
        data=lambda wildcards: data_kind(dataset_of(wildcards)),
        scale=config["scale"],
        bootstrap=config["bootstrap"],
        options=lambda wildcards: settings.repeated(config, wildcards.study),
        root=lambda wildcards: root_of(dataset_of(wildcards)),
        code=code_of("study_page"),
    script:
        "../scripts/study_page.py"


rule report:
    input:
        numbers=expand("reports/build/numbers/{study}.json", study=config["studies"]),
        templates=template_files(),
    output:
        index="reports/build/index.html",
        numbers="reports/build/numbers.json",
    log:
        "logs/report/index.log",
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        options=settings.repeated(config),
        code=code_of("report"),
    script:
        "../scripts/report.py"


localrules:
    verify,
    verify_deep,


# Neither input nor output on purpose. With the report as its input a changed counts file would make
# Snakemake build the report anew, and the change would go unnoticed; with an output it would run
# once only.
rule verify:
    log:
        "logs/report/verify.log",
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        numbers="reports/build/numbers.json",
        studies=config["studies"],
        deep=False,
    script:
        "../scripts/verify.py"


use rule verify as verify_deep with:
    log:
        "logs/report/verify_deep.log",
    params:
        numbers="reports/build/numbers.json",
        studies=config["studies"],
        deep=True,
