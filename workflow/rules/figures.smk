# Every figure: results/{dataset}/figures/{name}.png, drawn from stored arrays.
#
# Each figure is a function of mnist_vae/figures/drawings.py; the rules differ in what it is drawn from, and in how the
# report shows it.


rule prior_samples:
    input:
        arrays=of_pictured_model("prior_samples.safetensors"),
        code=sources("draw"),
    output:
        report(
            "results/{dataset}/figures/prior_samples.png",
            caption="../report/prior_samples.rst",
            category="Part 3: pictures of the model",
            labels=of_one_model("prior samples"),
        ),
    log:
        "results/{dataset}/logs/prior_samples.log",
    localrule: True
    conda:
        "../../envs/figures.yaml"
    threads: 1
    params:
        figure="prior_samples",
    shell:
        "python -m mnist_vae draw {params.figure} {output:q} {input.arrays:q} > {log:q} 2>&1"


use rule prior_samples as latent_scatter with:
    input:
        arrays=of_pictured_model("latents.safetensors"),
        code=sources("draw"),
    output:
        report(
            "results/{dataset}/figures/latent_scatter.png",
            caption="../report/latent_scatter.rst",
            category="Part 3: pictures of the model",
            labels=of_one_model("latent scatter"),
        ),
    log:
        "results/{dataset}/logs/latent_scatter.log",
    params:
        figure="latent_scatter",


use rule prior_samples as interpolation with:
    input:
        arrays=of_pictured_model("interpolation.safetensors"),
        code=sources("draw"),
    output:
        report(
            "results/{dataset}/figures/interpolation.png",
            caption="../report/interpolation.rst",
            category="Part 3: pictures of the model",
            labels=of_one_model("interpolation"),
        ),
    log:
        "results/{dataset}/logs/interpolation.log",
    params:
        figure="interpolation",


use rule prior_samples as latent_manifold with:
    input:
        arrays=of_pictured_model("latent_manifold.safetensors"),
        code=sources("draw"),
    output:
        report(
            "results/{dataset}/figures/latent_manifold.png",
            caption="../report/latent_manifold.rst",
            category="Part 3: pictures of the model",
            labels=of_one_model("latent manifold"),
        ),
    log:
        "results/{dataset}/logs/latent_manifold.log",
    params:
        figure="latent_manifold",


use rule prior_samples as top_half_posterior with:
    input:
        arrays=of_pictured_model("top_half.safetensors"),
        code=sources("draw"),
    output:
        report(
            "results/{dataset}/figures/top_half_posterior.png",
            caption="../report/top_half_posterior.rst",
            category="Part 4: the bottom, given the top",
            labels=of_one_model("latent posterior"),
        ),
    log:
        "results/{dataset}/logs/top_half_posterior.log",
    params:
        figure="top_half_posterior",


use rule prior_samples as completion with:
    input:
        arrays=of_pictured_model("top_half.safetensors"),
        code=sources("draw"),
    output:
        report(
            "results/{dataset}/figures/completion.png",
            caption="../report/completion.rst",
            category="Part 4: the bottom, given the top",
            labels=of_one_model("completion"),
        ),
    log:
        "results/{dataset}/logs/completion.log",
    params:
        figure="completion",


use rule prior_samples as training_curves with:
    input:
        arrays=of_every_model("history.csv"),
        code=sources("draw"),
    output:
        report(
            "results/{dataset}/figures/training_curves.png",
            caption="../report/training_curves.rst",
            category="Part 2: training",
            labels=of_all_models("training curves"),
        ),
    log:
        "results/{dataset}/logs/training_curves.log",
    params:
        figure="training_curves",


use rule prior_samples as inference_gap with:
    input:
        arrays=["results/{dataset}/tables/epochs.csv", "results/{dataset}/tables/gaps.csv"],
        code=sources("draw"),
    output:
        report(
            "results/{dataset}/figures/inference_gap.png",
            caption="../report/inference_gap.rst",
            category="Part 5: beyond the reference",
            labels=of_all_models("inference gap"),
        ),
    log:
        "results/{dataset}/logs/inference_gap.log",
    params:
        figure="inference_gap",


use rule prior_samples as importance_weighted_bound with:
    input:
        arrays=of_first_seeds("weighted_draws.csv"),
        code=sources("draw"),
    output:
        report(
            "results/{dataset}/figures/importance_weighted_bound.png",
            caption="../report/importance_weighted_bound.rst",
            category="Part 5: beyond the reference",
            labels=of_all_models("importance-weighted bound"),
        ),
    log:
        "results/{dataset}/logs/importance_weighted_bound.log",
    params:
        figure="importance_weighted_bound",
