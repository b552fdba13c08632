# Made-up heads in each data set's exact layout, for tests and for the demo.


rule phantom:
    output:
        root=directory(PATHS.phantom("{dataset}")),
    log:
        "logs/phantom/{dataset}.log",
    benchmark:
        "logs/phantom/{dataset}.benchmark.tsv"
    conda:
        "../../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=1500,
        runtime=60,
    params:
        seed=config["phantoms"]["seed"],
        options=lambda wildcards: config["phantoms"][wildcards.dataset],
        code=code_of("phantom"),
    script:
        "../scripts/phantom.py"
