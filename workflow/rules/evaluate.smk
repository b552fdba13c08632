# From probabilities to integer counts, from counts to scores; then the audit of what was reported.


rule counts:
    input:
        predictions="results/{study}/{model}/{run}/predictions.h5",
        shards=shards_of,
    output:
        counts="results/{study}/{model}/{run}/counts.tsv",
        distances="results/{study}/{model}/{run}/distances.tsv",
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
        counts=lambda wildcards: run_files(wildcards, "counts.tsv"),
        distances=lambda wildcards: run_files(wildcards, "distances.tsv"),
    output:
        metrics=report(
            "results/{study}/{model}/metrics.json",
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
        counts=lambda wildcards: [
            f"results/{wildcards.study}/{model}/{STUDIES[wildcards.study]['runs'][0]}/counts.tsv"
            for model in studies.compared_models(STUDIES[wildcards.study])
        ],
        distances=lambda wildcards: [
            f"results/{wildcards.study}/{model}/{STUDIES[wildcards.study]['runs'][0]}/distances.tsv"
            for model in studies.compared_models(STUDIES[wildcards.study])
        ],
    output:
        comparisons="results/{study}/comparisons.tsv",
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
