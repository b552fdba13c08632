# Preprocessed slices in HDF5; studies with the same recipe share them.
RECIPES = {study.recipe_name: study for study in STUDIES.values()}
BARE = [name for name, spec in DATASETS.items() if not spec.channels]


rule shard:
    input:
        root=lambda wildcards: root_of(wildcards.dataset),
        cases=DATA.cases,
        reports=DATA.group("{group}"),
    output:
        shard=PATHS.shard("{dataset}-{recipe}", "{group}"),
    log:
        "logs/shards/{dataset}-{recipe}-{group}.log",
    benchmark:
        "logs/shards/{dataset}-{recipe}-{group}.benchmark.tsv"
    wildcard_constraints:
        recipe="[0-9a-f]{8}",
        dataset=one_of(set(DATASETS) - set(BARE)),
    conda:
        "../../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=240,
    params:
        recipe=lambda wildcards: RECIPES[
            f"{wildcards.dataset}-{wildcards.recipe}"
        ].recipe,
        options=lambda wildcards: dataset_options(wildcards.dataset),
        state=lambda wildcards: root_state(wildcards.dataset),
        code=code_of("shard"),
    script:
        "../scripts/shard.py"


# Of masks alone: there is no image to preprocess.
rule shard_masks:
    input:
        root=lambda wildcards: root_of(wildcards.dataset),
        cases=DATA.cases,
        reports=DATA.group("{group}"),
    output:
        shard=PATHS.shard("{dataset}-{recipe}", "{group}"),
    log:
        "logs/shards/{dataset}-{recipe}-{group}.log",
    wildcard_constraints:
        recipe="[0-9a-f]{8}",
        dataset=one_of(BARE),
    conda:
        "../../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=240,
    params:
        recipe=lambda wildcards: RECIPES[
            f"{wildcards.dataset}-{wildcards.recipe}"
        ].recipe,
        options=lambda wildcards: dataset_options(wildcards.dataset),
        state=lambda wildcards: root_state(wildcards.dataset),
        code=code_of("shard_masks"),
    script:
        "../scripts/shard_masks.py"
