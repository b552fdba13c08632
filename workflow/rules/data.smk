# Every case is looked at once, before anything is built on it.


rule index_group:
    input:
        root=lambda wildcards: root_of(wildcards.dataset),
    output:
        reports=DATA.group("{group}"),
    log:
        "logs/index/{dataset}-{group}.log",
    benchmark:
        "logs/index/{dataset}-{group}.benchmark.tsv"
    conda:
        "../../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=120,
    params:
        groups=lambda wildcards: config["datasets"][wildcards.dataset]["groups"],
        channels=lambda wildcards: channels_of(wildcards.dataset),
        options=lambda wildcards: dataset_options(wildcards.dataset),
        record=lambda wildcards: str(
            PATHS.data(wildcards.dataset).refused(wildcards.group)
        ),
        state=lambda wildcards: group_state(wildcards.dataset, wildcards.group),
        code=code_of("index_group"),
    script:
        "../scripts/index_group.py"


rule index:
    input:
        root=lambda wildcards: root_of(wildcards.dataset),
        reports=lambda wildcards: [
            PATHS.data(wildcards.dataset).group(group)
            for group in groups_of(wildcards.dataset)
        ],
    output:
        slices=DATA.slices,
        cases=DATA.cases,
        integrity=DATA.integrity,
    log:
        "logs/index/{dataset}.log",
    conda:
        "../../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        on_bad_case=lambda wildcards: config["datasets"][wildcards.dataset][
            "on_bad_case"
        ],
        options=lambda wildcards: dataset_options(wildcards.dataset),
        state=lambda wildcards: root_state(wildcards.dataset),
        data=lambda wildcards: data_kind(wildcards.dataset),
        code=code_of("index"),
    script:
        "../scripts/index.py"


rule duplicates:
    input:
        integrity=DATA.integrity,
        reports=lambda wildcards: [
            PATHS.data(wildcards.dataset).group(group)
            for group in groups_of(wildcards.dataset)
        ],
    output:
        duplicates=DATA.duplicates,
    log:
        "logs/duplicates/{dataset}.log",
    conda:
        "../../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        code=code_of("duplicates"),
    script:
        "../scripts/duplicates.py"


rule datasheet:
    input:
        integrity=DATA.integrity,
        cases=DATA.cases,
    output:
        datasheet=DATA.datasheet,
    log:
        "logs/datasheet/{dataset}.log",
    conda:
        "../../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        about=lambda wildcards: DATASETS[wildcards.dataset].about,
        code=code_of("datasheet"),
    script:
        "../scripts/datasheet.py"
