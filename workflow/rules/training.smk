# One model a recipe, train size and seed.
#
#   results/{dataset}/models/{recipe}/n{n}/seed{seed}/weights.safetensors   tensors encoder.*, decoder.*
#   results/{dataset}/models/{recipe}/n{n}/seed{seed}/history.csv           a row an epoch
#
# One thread a training: several run side by side, which beats several threads in one, and the same bits
# come out whatever --cores is.


rule train:
    input:
        digits="results/{dataset}/data/binarized.safetensors",
        grey="results/{dataset}/data/grey.safetensors",
        code=sources("train"),
    output:
        weights=f"{MODEL}/weights.safetensors",
        history=f"{MODEL}/history.csv",
    log:
        f"{MODEL}/logs/train.log",
    benchmark:
        f"{MODEL}/benchmarks/train.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: 1
    params:
        recipe=recipe_options,
    shell:
        "python -m mnist_vae --threads {threads} train {input.digits:q} {input.grey:q} "
        "{output.weights:q} {output.history:q} "
        "--recipe {wildcards.recipe:q} --n {wildcards.n} --seed {wildcards.seed} "
        "{params.recipe} > {log:q} 2>&1"
