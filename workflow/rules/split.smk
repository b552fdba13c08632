# Which slice trains, validates, tests: a file, used by its path.


rule split:
    input:
        slices=lambda wildcards: f"results/data/{dataset_of(wildcards)}/slices.tsv",
        cases=lambda wildcards: f"results/data/{dataset_of(wildcards)}/cases.tsv",
    output:
        split="results/{study}/split/{split}-f{fold}.tsv",
    log:
        "logs/split/{study}-{split}-f{fold}.log",
    conda:
        "../../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        shares=lambda wildcards: STUDIES[wildcards.study]["split"],
        slices=lambda wildcards: STUDIES[wildcards.study]["preprocess"]["slices"],
        code=code_of("split"),
    script:
        "../scripts/split.py"
