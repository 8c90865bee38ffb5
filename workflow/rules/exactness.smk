# What a plain sum over the latent plane would miss: the target `exactness`.
#
#   results/{dataset}/models/.../lattices.csv   sums over lattices of several spacings against the adaptive one
#   results/{dataset}/figures/exactness.png     the same, of each recipe's first seed, to look at


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
        code=code("compare_lattices"),
        marginal=config["marginal"],
        images=first_test_images("gaps"),
    shell:
        "python -m mnist_vae compare_lattices {input.digits:q} {input.weights:q} {output.comparison:q} "
        "--tolerance {params.marginal[tolerance]} --window {params.marginal[window]} "
        "--images {params.images} > {log:q} 2>&1"


use rule prior_samples as exactness_figure with:
    input:
        arrays=of_summed_models("lattices.csv"),
    output:
        "results/{dataset}/figures/exactness.png",
    log:
        "results/{dataset}/logs/exactness_figure.log",
    params:
        code=figure_code("exactness"),
        figure="exactness",


rule exactness:
    input:
        lambda wildcards: f"results/{dataset_asked_for(wildcards)}/figures/exactness.png",
    localrule: True
