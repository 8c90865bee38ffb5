# Exact log-densities, and how far the bounds lie below them: sums over a grid of the latent plane.
#
#   results/{dataset}/models/{recipe}/n{n}/seed{seed}/gaps.csv            one model's
#   results/{dataset}/models/{recipe}/n{n}/seed{seed}/epochs.csv          along one training
#   results/{dataset}/models/{recipe}/n{n}/seed{seed}/weighted_draws.csv  importance-weighted bounds


rule measure_gaps:
    input:
        digits="results/{dataset}/data/binarized.safetensors",
        weights=f"{MODEL}/weights.safetensors",
        code=sources("measure_gaps"),
    output:
        gaps=f"{MODEL}/gaps.csv",
    log:
        f"{MODEL}/logs/measure_gaps.log",
    cache: SHARED
    conda:
        "../../envs/torch.yaml"
    threads: A_PROCESSOR
    params:
        grid=config["marginal"],
        images=config["gaps"]["images"],
    shell:
        "python -m mnist_vae measure_gaps {input.digits:q} {input.weights:q} {output.gaps:q} "
        "--window {params.grid[window]} --size {params.grid[size]} "
        "--fine-window {params.grid[fine_window]} --fine-size {params.grid[fine_size]} "
        "--images {params.images} > {log:q} 2>&1"


rule measure_epochs:
    input:
        digits="results/{dataset}/data/binarized.safetensors",
        snapshots=f"{MODEL}/snapshots.safetensors",
        code=sources("measure_epochs"),
    output:
        epochs=f"{MODEL}/epochs.csv",
    log:
        f"{MODEL}/logs/measure_epochs.log",
    cache: SHARED
    conda:
        "../../envs/torch.yaml"
    threads: A_PROCESSOR
    params:
        window=config["marginal"]["window"],
        size=config["marginal"]["size"],
        images=config["snapshots"]["images"],
    shell:
        "python -m mnist_vae measure_epochs {input.digits:q} {input.snapshots:q} "
        "{output.epochs:q} --window {params.window} --size {params.size} --images {params.images} > {log:q} 2>&1"


rule weigh_draws:
    input:
        digits="results/{dataset}/data/binarized.safetensors",
        weights=f"{MODEL}/weights.safetensors",
        code=sources("weigh_draws"),
    output:
        bounds=f"{MODEL}/weighted_draws.csv",
    log:
        f"{MODEL}/logs/weigh_draws.log",
    cache: SHARED
    conda:
        "../../envs/torch.yaml"
    threads: A_PROCESSOR
    params:
        window=config["marginal"]["fine_window"],
        size=config["marginal"]["fine_size"],
        images=config["importance_weighting"]["images"],
        draws=config["importance_weighting"]["draws"],
    shell:
        "python -m mnist_vae weigh_draws {input.digits:q} {input.weights:q} {output.bounds:q} "
        "--window {params.window} --size {params.size} --images {params.images} --draws {params.draws} "
        "> {log:q} 2>&1"
