# One training a run; then the probabilities of its validation and test slices.


# Where the workflow is started there is a network; on the nodes of a cluster there may be none.
localrules:
    encoder_weights,


rule encoder_weights:
    output:
        weights=ENCODER_WEIGHTS,
    log:
        "logs/weights/{encoder}.log",
    wildcard_constraints:
        encoder="resnet50|vgg16|vgg19",
    conda:
        "../../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        code=code_of("encoder_weights"),
    script:
        "../scripts/encoder_weights.py"


rule train:
    input:
        split=split_of,
        shards=shards_of,
        encoder_weights=encoder_weights_of,
    output:
        weights=RUN.weights,
        history=RUN.history,
        facts=RUN.train,
    log:
        "logs/train/{study}/{model}/{run}.log",
    benchmark:
        "logs/train/{study}/{model}/{run}.benchmark.tsv"
    conda:
        "../../envs/train.yaml"
    # On a CPU the weights depend on the number of threads: one is the same on every machine.
    threads: 1
    resources:
        mem_mb=lambda wildcards: 2000 if config["scale"] == "demo" else 24000,
        runtime=lambda wildcards: 60 if config["scale"] == "demo" else 1440,
        gpu=gpu_of,
    params:
        model=settings_of,
        task=task_of,
        classes=setting(lambda study: list(study.classes)),
        computing=config["training"],
        overrides=lambda wildcards: training_overrides(
            STUDIES[wildcards.study], wildcards.model
        ),
        torch=torch_of,
        code=code_of("train"),
    script:
        "../scripts/train.py"


rule predict:
    input:
        split=split_of,
        shards=shards_of,
        weights=RUN.weights,
    output:
        predictions=RUN.predictions,
    log:
        "logs/predict/{study}/{model}/{run}.log",
    conda:
        "../../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards: 2000 if config["scale"] == "demo" else 16000,
        runtime=120,
        gpu=gpu_of,
    params:
        model=settings_of,
        task=task_of,
        classes=setting(lambda study: list(study.classes)),
        threshold=setting(lambda study: study.threshold),
        computing=config["training"],
        torch=torch_of,
        code=code_of("predict"),
    script:
        "../scripts/predict.py"


# What a prediction on a new scan needs to know of a model. Cheap: no network is built.
rule describe:
    input:
        weights=RUN.weights,
        facts=RUN.train,
        integrity=lambda wildcards: PATHS.data(dataset_of(wildcards)).integrity,
        cases=lambda wildcards: PATHS.data(dataset_of(wildcards)).cases,
    output:
        model=RUN.model,
    log:
        "logs/describe/{study}/{model}/{run}.log",
    conda:
        "../../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        settings=lambda wildcards: describe.described(
            STUDIES[wildcards.study],
            wildcards.model,
            wildcards.run,
            dataset=DATASETS[dataset_of(wildcards)],
            data=data_kind(dataset_of(wildcards)),
            scale=config["scale"],
            precision=config["training"]["precision"],
        ),
        code=code_of("describe"),
    script:
        "../scripts/describe.py"


# Asked for by its name: no result hangs on it.
rule export_onnx:
    input:
        weights=RUN.weights,
        model=RUN.model,
        split=split_of,
        shards=shards_of,
    output:
        network=RUN.onnx,
        check=RUN.onnx_check,
    log:
        "logs/export/{study}/{model}/{run}.log",
    conda:
        "../../envs/app.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards: 2000 if config["scale"] == "demo" else 16000,
        runtime=60,
    params:
        code=code_of("export_onnx"),
    script:
        "../scripts/export_onnx.py"


rule gate:
    input:
        segmenter=RUN.predictions,
        classifier=classifier_of,
    output:
        predictions=STUDY.run(f"{{model}}{GATED}", "{run}").predictions,
    log:
        "logs/gate/{study}/{model}/{run}.log",
    conda:
        "../../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        threshold=setting(lambda study: study.gate.threshold),
        code=code_of("gate"),
    script:
        "../scripts/gate.py"


# Of elsewhere: no network of ours, and no score; those are counted on the scans themselves.
rule bring:
    input:
        cases=files(lambda study: study.of_data.cases),
        slices=files(lambda study: study.of_data.slices),
        split=split_of,
    output:
        predictions=RUN.predictions,
        brought=RUN.brought,
    log:
        "logs/bring/{study}/{model}/{run}.log",
    wildcard_constraints:
        model=BROUGHT,
    conda:
        "../../envs/data.yaml"
    threads: 4
    resources:
        mem_mb=2000,
        runtime=120,
    params:
        native=native_settings,
        size=setting(lambda study: study.preprocess.image_size),
        code=code_of("bring"),
    script:
        "../scripts/bring.py"


rule baseline:
    input:
        split=split_of,
        shards=shards_of,
    output:
        predictions=RUN.predictions,
        facts=RUN.baseline,
    log:
        "logs/baseline/{study}/{model}/{run}.log",
    wildcard_constraints:
        model="|".join(BASELINES),
    conda:
        "../../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards: 2000 if config["scale"] == "demo" else 16000,
        runtime=60,
    params:
        channel=setting(lambda study: study.data.channel),
        classes=setting(lambda study: list(study.classes)),
        threshold=setting(lambda study: study.threshold),
        code=code_of("baseline"),
    script:
        "../scripts/baseline.py"


ruleorder: baseline > bring > gate > predict
