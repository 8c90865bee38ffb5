# What latent dimensions buy: the target `latents`, meant for config/latents.yaml.
#
#   results/{dataset}/tables/latents.{csv,md}   the models' numbers over the latent dimension
#   results/{dataset}/figures/latents.png       the same, to look at


rule latents_table:
    input:
        models=of_every_model("metrics.csv"),
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
        code=code("tabulate_latents"),
    shell:
        "python -m mnist_vae tabulate_latents {input.models:q} --table {output.table:q} "
        "--markdown {output.markdown:q} --dataset {wildcards.dataset:q} > {log:q} 2>&1"


use rule prior_samples as latents_figure with:
    input:
        arrays="results/{dataset}/tables/latents.csv",
    output:
        "results/{dataset}/figures/latents.png",
    log:
        "results/{dataset}/logs/latents_figure.log",
    params:
        code=figure_code("latents"),
        figure="latents",


rule latents:
    input:
        lambda wildcards: expand(
            ["results/{dataset}/tables/latents.csv", "results/{dataset}/figures/latents.png"],
            dataset=dataset_asked_for(wildcards),
        ),
    localrule: True
