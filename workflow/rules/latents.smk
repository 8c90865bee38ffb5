# Results over the latent dimension: the target `latents`, meant for config/latents.yaml.
#
#   results/{dataset}/models/.../estimate.csv       estimates of log p(x) against sums, where both exist
#   results/{dataset}/tables/latents.{csv,md}       the models' numbers over the latent dimension
#   results/{dataset}/tables/estimates.{csv,md}     the estimates against the sums
#   results/{dataset}/figures/latents.png           their figure


rule compare_estimate:
    input:
        digits="results/{dataset}/data/binarized.safetensors",
        weights=f"{MODEL}/weights.safetensors",
    output:
        comparison=f"{MODEL}/estimate.csv",
    log:
        f"{MODEL}/logs/compare_estimate.log",
    conda:
        "../../envs/torch.yaml"
    threads: one_processor
    params:
        code=code("commands.compare_estimate"),
        marginal=option_words(config["marginal"]),
        images=per_dataset(study.first_images, "gaps"),
    shell:
        "python -m mnist_vae compare_estimate {input.digits:q} {input.weights:q} {output.comparison:q} "
        "{params.marginal:q} "
        "--images {params.images} > {log:q} 2>&1"


rule latents_table:
    input:
        models=of(study.models, "metrics.csv"),
    output:
        table="results/{dataset}/tables/latents.csv",
        markdown="results/{dataset}/tables/latents.md",
    log:
        "results/{dataset}/logs/latents_table.log",
    localrule: True
    conda:
        "../../envs/figures.yaml"
    threads: 1
    params:
        code=code("commands.tabulate_latents"),
    shell:
        "python -m mnist_vae tabulate_latents {input.models:q} --table {output.table:q} "
        "--markdown {output.markdown:q} --dataset {wildcards.dataset:q} > {log:q} 2>&1"


rule estimates_table:
    input:
        comparisons=of(study.summed_models, "estimate.csv"),
    output:
        table="results/{dataset}/tables/estimates.csv",
        markdown="results/{dataset}/tables/estimates.md",
    log:
        "results/{dataset}/logs/estimates_table.log",
    localrule: True
    conda:
        "../../envs/figures.yaml"
    threads: 1
    params:
        code=code("commands.tabulate_estimates"),
    shell:
        "python -m mnist_vae tabulate_estimates {input.comparisons:q} --table {output.table:q} "
        "--markdown {output.markdown:q} --dataset {wildcards.dataset:q} > {log:q} 2>&1"


rule latents:
    input:
        asked_for(results.latents),
    localrule: True
