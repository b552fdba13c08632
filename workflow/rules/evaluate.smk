# From probabilities to integer counts, from counts to scores; then the audit of what was reported.


rule counts:
    input:
        predictions=RUN.predictions,
        shards=shards_of,
    output:
        counts=RUN.counts,
        distances=RUN.distances,
    log:
        "logs/counts/{study}/{model}/{run}.log",
    conda:
        "../../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=120,
    params:
        task=lambda wildcards: studies.model_task(
            STUDIES[wildcards.study], wildcards.model
        ),
        threshold=lambda wildcards: STUDIES[wildcards.study]["threshold"],
        postprocess=lambda wildcards: STUDIES[wildcards.study]["postprocess"],
        code=code_of("counts"),
    script:
        "../scripts/counts.py"


rule metrics:
    input:
        counts=run_files("counts"),
        distances=run_files("distances"),
    output:
        metrics=report(
            STUDY.metrics("{model}"),
            category="{study}",
            subcategory="metrics",
            labels={"model": "{model}"},
            caption="../../reports/captions/metrics.rst",
        ),
    log:
        "logs/metrics/{study}/{model}.log",
    conda:
        "../../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        runs=lambda wildcards: studies.model_runs(
            STUDIES[wildcards.study], wildcards.model
        ),
        task=lambda wildcards: studies.model_task(
            STUDIES[wildcards.study], wildcards.model
        ),
        metrics=lambda wildcards: studies.study_metrics(STUDIES[wildcards.study]),
        bootstrap=config["bootstrap"],
        code=code_of("metrics"),
    script:
        "../scripts/metrics.py"


rule comparisons:
    input:
        counts=files(lambda study: study.compared("counts")),
        distances=files(lambda study: study.compared("distances")),
    output:
        comparisons=STUDY.comparisons,
    log:
        "logs/comparisons/{study}.log",
    conda:
        "../../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        models=lambda wildcards: studies.compared_models(STUDIES[wildcards.study]),
        run=lambda wildcards: STUDIES[wildcards.study]["runs"][0],
        metrics=lambda wildcards: studies.study_metrics(STUDIES[wildcards.study]),
        bootstrap=config["bootstrap"],
        code=code_of("comparisons"),
    script:
        "../scripts/comparisons.py"
