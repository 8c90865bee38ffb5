# Arrays that are computed from a trained model, and stored for the figures.
#
#   results/{dataset}/models/{recipe}/n{n}/seed{seed}/{what}.safetensors
#   results/{dataset}/tables/top_half_fits.csv                         how far each fitted q is from the posterior


rule encode:
    input:
        digits="results/{dataset}/data/binarized.safetensors",
        weights=f"{MODEL}/weights.safetensors",
    output:
        latents=f"{MODEL}/latents.safetensors",
    log:
        f"{MODEL}/logs/encode.log",
    priority: per_model(study.priority)
    conda:
        "../../envs/torch.yaml"
    threads: one_processor
    params:
        code=code("commands.encode"),
    shell:
        "python -m mnist_vae encode {input.digits:q} {input.weights:q} {output.latents:q} > {log:q} 2>&1"


rule sample_prior:
    input:
        weights=f"{MODEL}/weights.safetensors",
    output:
        samples=f"{MODEL}/prior_samples.safetensors",
    log:
        f"{MODEL}/logs/sample_prior.log",
    priority: per_model(study.priority)
    conda:
        "../../envs/torch.yaml"
    threads: one_processor
    params:
        code=code("commands.sample_prior"),
        draws=config["prior_samples"]["draws"],
    shell:
        "python -m mnist_vae sample_prior {input.weights:q} {output.samples:q} "
        "--draws {params.draws} > {log:q} 2>&1"


rule interpolate:
    input:
        digits="results/{dataset}/data/binarized.safetensors",
        weights=f"{MODEL}/weights.safetensors",
    output:
        means=f"{MODEL}/interpolation.safetensors",
    log:
        f"{MODEL}/logs/interpolate.log",
    priority: per_model(study.priority)
    conda:
        "../../envs/torch.yaml"
    threads: one_processor
    params:
        code=code("commands.interpolate"),
        images=per_model(study.interpolated_images),
    shell:
        "python -m mnist_vae interpolate {input.digits:q} {input.weights:q} {output.means:q} "
        "--images {params.images} > {log:q} 2>&1"


rule reconstruct:
    input:
        digits="results/{dataset}/data/binarized.safetensors",
        weights=f"{MODEL}/weights.safetensors",
    output:
        reconstructions=f"{MODEL}/reconstructions.safetensors",
    log:
        f"{MODEL}/logs/reconstruct.log",
    priority: per_model(study.priority)
    conda:
        "../../envs/torch.yaml"
    threads: one_processor
    params:
        code=code("commands.reconstruct"),
    shell:
        "python -m mnist_vae reconstruct {input.digits:q} {input.weights:q} {output.reconstructions:q} > {log:q} 2>&1"


rule decode_manifold:
    input:
        weights=checked(study.check_plane, f"{MODEL}/weights.safetensors", "the latent manifold"),
        latents=f"{MODEL}/latents.safetensors",
    output:
        means=f"{MODEL}/latent_manifold.safetensors",
    log:
        f"{MODEL}/logs/decode_manifold.log",
    priority: per_model(study.priority)
    conda:
        "../../envs/torch.yaml"
    threads: one_processor
    params:
        code=code("commands.decode_manifold"),
        options=option_words(config["latent_manifold"]),
    shell:
        "python -m mnist_vae decode_manifold {input.weights:q} {input.latents:q} {output.means:q} "
        "{params.options:q} > {log:q} 2>&1"


rule fit_top_half:
    input:
        digits="results/{dataset}/data/binarized.safetensors",
        weights=f"{MODEL}/weights.safetensors",
    output:
        fit=f"{MODEL}/top_half_fit.safetensors",
    log:
        f"{MODEL}/logs/fit_top_half.log",
    priority: per_model(study.priority)
    conda:
        "../../envs/torch.yaml"
    threads: one_processor
    params:
        code=code("commands.fit_top_half"),
        images=per_dataset(study.completed_images, "test"),
        training_images=per_dataset(study.completed_images, "train"),
        fit=study.fit_options(),
    shell:
        "python -m mnist_vae fit_top_half {input.digits:q} {input.weights:q} {output.fit:q} "
        "--images {params.images} --training-images {params.training_images} {params.fit:q} > {log:q} 2>&1"


rule complete_top_half:
    input:
        weights=f"{MODEL}/weights.safetensors",
        fit=f"{MODEL}/top_half_fit.safetensors",
    output:
        completions=f"{MODEL}/top_half.safetensors",
    log:
        f"{MODEL}/logs/complete_top_half.log",
    priority: per_model(study.priority)
    conda:
        "../../envs/torch.yaml"
    threads: one_processor
    params:
        code=code("commands.complete_top_half"),
        completions=config["top_half"]["completions"],
        marginal=option_words(config["marginal"]),
    shell:
        "python -m mnist_vae complete_top_half {input.weights:q} {input.fit:q} "
        "{output.completions:q} --completions {params.completions} "
        "{params.marginal:q} > {log:q} 2>&1"


rule tabulate_top_half:
    input:
        completions=of(study.pictured, "top_half.safetensors"),
    output:
        table="results/{dataset}/tables/top_half_fits.csv",
    log:
        "results/{dataset}/logs/tabulate_top_half.log",
    localrule: True
    conda:
        "../../envs/figures.yaml"
    threads: 1
    params:
        code=code("commands.tabulate_top_half"),
    shell:
        "python -m mnist_vae tabulate_top_half {input.completions:q} {output.table:q} > {log:q} 2>&1"
