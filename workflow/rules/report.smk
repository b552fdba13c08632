# The audit of what was reported, what a leak is worth, the report, and its verification.


rule claims:
    input:
        unpack(files(Products.audited)),
        claims=home("config/claims.tsv"),
    output:
        claims=report(
            STUDY.claims,
            category="{study}",
            subcategory="claims",
            caption="../../reports/captions/claims.rst",
        ),
        findings=STUDY.findings,
    log:
        "logs/claims/{study}.log",
    conda:
        "../../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        study=setting(lambda study: study.plain),
        data=lambda wildcards: data_kind(dataset_of(wildcards)),
        scale=config["scale"],
        code=code_of("claims"),
    script:
        "../scripts/claims.py"


rule leakage:
    input:
        counts=files(lambda study: study.leak_counts),
    output:
        leakage=STUDY.leakage,
        spread=STUDY.spread,
    log:
        "logs/leakage/{study}.log",
    conda:
        "../../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        study=setting(lambda study: study.plain),
        bootstrap=config["bootstrap"],
        code=code_of("leakage"),
    script:
        "../scripts/leakage.py"


rule study_page:
    input:
        unpack(files(Products.reported)),
        reported=home("config/claims.tsv"),
        templates=template_files(),
    output:
        page=PATHS.report.page("{study}"),
        numbers=PATHS.report.study_numbers("{study}"),
        cards=directory(PATHS.report.cards("{study}")),
        checklist=STUDY.checklist,
    log:
        "logs/report/{study}.log",
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        study=setting(lambda study: study.plain),
        data=lambda wildcards: data_kind(dataset_of(wildcards)),
        scale=config["scale"],
        bootstrap=config["bootstrap"],
        options=lambda wildcards: settings.repeated(config, wildcards.study),
        root=lambda wildcards: root_of(dataset_of(wildcards)),
        scans=scans_of,
        about_data=lambda wildcards: DATASETS[dataset_of(wildcards)].about,
        answers=lambda wildcards: ANSWERS.get(wildcards.study, {}),
        code=code_of("study_page"),
    script:
        "../scripts/study_page.py"


rule report:
    input:
        numbers=[PATHS.report.study_numbers(study) for study in config["studies"]],
        templates=template_files(),
    output:
        index=PATHS.report.index,
        search=PATHS.report.search,
        numbers=PATHS.report.numbers,
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
        numbers=str(PATHS.report.numbers),
        studies=config["studies"],
        deep=False,
    script:
        "../scripts/verify.py"


use rule verify as verify_deep with:
    log:
        "logs/report/verify_deep.log",
    params:
        numbers=str(PATHS.report.numbers),
        studies=config["studies"],
        deep=True,
