# Which slice trains, validates, tests: a file, used by its path.


rule split:
    input:
        slices=files(lambda study: study.of_data.slices),
        cases=files(lambda study: study.of_data.cases),
    output:
        split=STUDY.split("{split}-f{fold}"),
    log:
        "logs/split/{study}-{split}-f{fold}.log",
    conda:
        "../../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        shares=setting(lambda study: study.plain["split"]),
        slices=setting(lambda study: study.preprocess.slices),
        code=code_of("split"),
    script:
        "../scripts/split.py"


# Nothing is trained: for predictions that are brought along.
rule split_all:
    input:
        slices=files(lambda study: study.of_data.slices),
        cases=files(lambda study: study.of_data.cases),
    output:
        split=STUDY.split("all-f{fold}"),
    log:
        "logs/split/{study}-all-f{fold}.log",
    conda:
        "../../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        shares=setting(lambda study: study.plain["split"]),
        slices=setting(lambda study: study.preprocess.slices),
        code=code_of("split_all"),
    script:
        "../scripts/split_all.py"


ruleorder: split_all > split
