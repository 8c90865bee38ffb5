# From the published files, or one's own, to binary pictures.
#
#   results/{dataset}/data/grey.safetensors        {train,test}_{images,labels}, uint8, as published
#   results/{dataset}/data/binarized.safetensors   the same, pixels 0 or 1
#
# A data set's folder is a resource, not a param. Published files are checked, and the SHA-256 of the user's own
# files are a param, so results do not depend on the folder, and moving it retrains nothing.


rule obtain:
    output:
        grey="results/{dataset}/data/grey.safetensors",
    log:
        "results/{dataset}/logs/obtain.log",
    localrule: True
    conda:
        "../../envs/data.yaml"
    threads: 1
    resources:
        folder=per_dataset(study.folder),
        mirrors=per_dataset(study.mirrors),
    params:
        code=code("commands.obtain"),
        files=per_dataset(study.files_of_own),
        classes=per_dataset(study.classes),
    shell:
        "python -m mnist_vae obtain {wildcards.dataset:q} {output.grey:q} --folder={resources.folder:q} "
        "--mirrors={resources.mirrors:q} --classes {params.classes:q} > {log:q} 2>&1"


# Its warning about the pictures is also shown on the terminal.
rule binarize:
    input:
        grey="results/{dataset}/data/grey.safetensors",
    output:
        binarized="results/{dataset}/data/binarized.safetensors",
    log:
        "results/{dataset}/logs/binarize.log",
    localrule: True
    conda:
        "../../envs/data.yaml"
    threads: 1
    params:
        code=code("commands.binarize"),
        how=per_dataset(study.binarization),
    shell:
        "python -m mnist_vae binarize {input.grey:q} {output.binarized:q} {params.how:q} 2>&1 | tee {log:q}"
