# From probabilities to integer counts, from counts to scores; then the audit of what was reported.


rule counts:
    input:
        unpack(counted_files),
    output:
        counts=RUN.counts,
        distances=RUN.distances,
        regions=RUN.regions,
        patients=RUN.patients,
    log:
        "logs/counts/{study}/{model}/{run}.log",
    conda:
        "../../envs/data.yaml"
    threads: threads_of_counts
    resources:
        mem_mb=2000,
        runtime=120,
    params:
        task=task_of,
        native=native_of,
        measured=setting(lambda study: study.measured),
        threshold=setting(lambda study: study.threshold),
        code=code_of("counts"),
    script:
        "../scripts/counts.py"


# Beside resized slices, where a study asks for both.
rule counts_native:
    input:
        unpack(files_on_scans),
    output:
        counts=RUN.native.counts,
        distances=RUN.native.distances,
        regions=RUN.native.regions,
        patients=RUN.native.patients,
    log:
        "logs/counts/{study}/{model}/{run}-native.log",
    conda:
        "../../envs/data.yaml"
    threads: 4
    resources:
        mem_mb=2000,
        runtime=120,
    params:
        native=native_settings,
        measured=setting(lambda study: study.measured),
        code=code_of("counts"),
    script:
        "../scripts/counts.py"


# For the page alone: no score hangs on it, and nothing is measured anew where it is missing.
rule calibration:
    input:
        predictions=RUN.predictions,
        shards=shards_of,
    output:
        calibration=RUN.calibration,
    log:
        "logs/calibration/{study}/{model}/{run}.log",
    conda:
        "../../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        code=code_of("calibration"),
    script:
        "../scripts/calibration.py"


rule grids:
    input:
        unpack(files(tables_of_grids)),
    output:
        grids=STUDY.grids,
    log:
        "logs/grids/{study}.log",
    conda:
        "../../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        models=setting(lambda study: study.compared_models),
        run=setting(lambda study: study.run),
        metrics=setting(study_metrics),
        bootstrap=config["bootstrap"],
        code=code_of("grids"),
    script:
        "../scripts/grids.py"


rule strata:
    input:
        counts=files(lambda study: study.compared("counts")),
        distances=files(lambda study: study.compared("distances")),
        cases=files(lambda study: study.of_data.cases),
    output:
        strata=STUDY.strata,
    log:
        "logs/strata/{study}.log",
    conda:
        "../../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        models=setting(lambda study: study.compared_models),
        run=setting(lambda study: study.run),
        strata=setting(lambda study: list(study.evaluation.strata)),
        bootstrap=config["bootstrap"],
        code=code_of("strata"),
    script:
        "../scripts/strata.py"


rule metrics:
    input:
        counts=run_files("counts"),
        distances=run_files("distances"),
        regions=run_files("regions"),
        patients=run_files("patients"),
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
        runs=lambda wildcards: STUDIES[wildcards.study].model_runs(wildcards.model),
        task=task_of,
        metrics=setting(study_metrics),
        bootstrap=config["bootstrap"],
        code=code_of("metrics"),
    script:
        "../scripts/metrics.py"


rule comparisons:
    input:
        counts=files(lambda study: study.compared("counts")),
        distances=files(lambda study: study.compared("distances")),
        regions=files(lambda study: study.compared("regions")),
        patients=files(lambda study: study.compared("patients")),
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
        models=setting(lambda study: study.compared_models),
        run=setting(lambda study: study.run),
        metrics=setting(study_metrics),
        bootstrap=config["bootstrap"],
        code=code_of("comparisons"),
    script:
        "../scripts/comparisons.py"
