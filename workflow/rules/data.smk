# From the published files to binary pictures.
#
#   results/{dataset}/data/grey.safetensors        {train,test}_{images,labels}, uint8, as published
#   results/{dataset}/data/binarized.safetensors   the same, pixels 0 or 1
#
# Where MNIST lies is a resource, not a param: its bytes are checked, so no result depends on the place, and
# naming another folder must not retrain anything.


rule obtain_mnist:
    input:
        code=sources("obtain"),
    output:
        grey="results/mnist/data/grey.safetensors",
    log:
        "results/mnist/logs/obtain.log",
    localrule: True
    conda:
        "../../envs/data.yaml"
    threads: 1
    resources:
        mnist_dir=config["mnist_dir"],
        mirrors=" ".join(config["mirrors"]),
    shell:
        "python -m mnist_vae obtain mnist {output.grey:q} --mnist-dir={resources.mnist_dir:q} "
        "--mirrors={resources.mirrors:q} > {log:q} 2>&1"


rule obtain_mnist5k:
    input:
        code=sources("obtain"),
    output:
        grey="results/mnist5k/data/grey.safetensors",
    log:
        "results/mnist5k/logs/obtain.log",
    localrule: True
    conda:
        "../../envs/data.yaml"
    threads: 1
    shell:
        "python -m mnist_vae obtain mnist5k {output.grey:q} > {log:q} 2>&1"


rule binarize:
    input:
        grey="results/{dataset}/data/grey.safetensors",
        code=sources("binarize"),
    output:
        binarized="results/{dataset}/data/binarized.safetensors",
    log:
        "results/{dataset}/logs/binarize.log",
    localrule: True
    conda:
        "../../envs/data.yaml"
    threads: 1
    shell:
        "python -m mnist_vae binarize {input.grey:q} {output.binarized:q} > {log:q} 2>&1"


# A path that names another data set ends here, with a sentence.
rule refuse_dataset:
    input:
        known_dataset,
    output:
        grey="results/{dataset}/data/grey.safetensors",
    wildcard_constraints:
        dataset=f"(?!({'|'.join(TRAIN_IMAGES)})/)[^/]+",
    localrule: True
