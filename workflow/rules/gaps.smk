# How far bounds lie below exact log-densities, during training and by many draws (the rest: evaluation.smk).
#
#   results/{dataset}/models/{recipe}/n{n}/seed{seed}/epochs.csv          during one training run
#   results/{dataset}/models/{recipe}/n{n}/seed{seed}/weighted_draws.csv  importance-weighted bounds


rule measure_epochs:
    input:
        digits="results/{dataset}/data/binarized.safetensors",
        snapshots=f"{MODEL}/snapshots.safetensors",
    output:
        epochs=f"{MODEL}/epochs.csv",
    log:
        f"{MODEL}/logs/measure_epochs.log",
    cache: SHARED
    priority: per_model(study.priority)
    conda:
        "../../envs/torch.yaml"
    threads: one_processor
    params:
        software=computed_with,
        code=code("commands.measure_epochs"),
        marginal=option_words(config["marginal"]),
        images=per_dataset(study.first_images, "snapshots"),
        test_images=per_model(study.test_images_along_training),
    shell:
        "python -m mnist_vae measure_epochs {input.digits:q} {input.snapshots:q} "
        "{output.epochs:q} {params.marginal:q} "
        "--images {params.images} --test-images {params.test_images} > {log:q} 2>&1"


rule weigh_draws:
    input:
        digits="results/{dataset}/data/binarized.safetensors",
        weights=f"{MODEL}/weights.safetensors",
    output:
        bounds=f"{MODEL}/weighted_draws.csv",
    log:
        f"{MODEL}/logs/weigh_draws.log",
    cache: SHARED
    conda:
        "../../envs/torch.yaml"
    threads: one_processor
    params:
        software=computed_with,
        code=code("commands.weigh_draws"),
        marginal=option_words(config["marginal"]),
        images=per_dataset(study.first_images, "importance_weighting"),
        draws=config["importance_weighting"]["draws"],
    shell:
        "python -m mnist_vae weigh_draws {input.digits:q} {input.weights:q} {output.bounds:q} "
        "{params.marginal:q} "
        "--images {params.images} --draws {params.draws} "
        "> {log:q} 2>&1"
