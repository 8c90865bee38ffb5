# The error of a plain sum over the latent plane: the target `exactness`.
#
#   results/{dataset}/models/.../lattices.csv   sums over lattices of several spacings against the adaptive one
#   results/{dataset}/figures/exactness.png     their figure, for each recipe's first seed


rule compare_lattices:
    input:
        digits="results/{dataset}/data/binarized.safetensors",
        weights=f"{MODEL}/weights.safetensors",
    output:
        comparison=f"{MODEL}/lattices.csv",
    log:
        f"{MODEL}/logs/compare_lattices.log",
    conda:
        "../../envs/torch.yaml"
    threads: one_processor
    params:
        code=code("commands.compare_lattices"),
        marginal=option_words(config["marginal"]),
        images=per_dataset(study.first_images, "gaps"),
    shell:
        "python -m mnist_vae compare_lattices {input.digits:q} {input.weights:q} {output.comparison:q} "
        "{params.marginal:q} "
        "--images {params.images} > {log:q} 2>&1"


rule exactness:
    input:
        asked_for("results/{}/figures/exactness.png".format),
    localrule: True
