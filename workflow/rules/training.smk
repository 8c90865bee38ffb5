# One model per recipe, train size and seed.
#
#   results/{dataset}/models/{recipe}/n{n}/seed{seed}/weights.safetensors   tensors encoder.*, decoder.*
#   results/{dataset}/models/{recipe}/n{n}/seed{seed}/history.csv           one row per epoch
#   results/{dataset}/models/{recipe}/n{n}/seed{seed}/snapshots.safetensors weights along the way, of the first seed
#
# One thread per training run: several runs side by side are faster than one with several threads, and the
# bits do not depend on --cores.


rule train:
    input:
        digits=checked(study.check_model, "results/{dataset}/data/binarized.safetensors"),
        grey="results/{dataset}/data/grey.safetensors",
    output:
        weights=f"{MODEL}/weights.safetensors",
        history=f"{MODEL}/history.csv",
        snapshots=f"{MODEL}/snapshots.safetensors",
    log:
        f"{MODEL}/logs/train.log",
    cache: SHARED
    priority: per_model(study.priority)
    conda:
        "../../envs/torch.yaml"
    threads: one_processor
    params:
        software=computed_with,
        code=code("commands.train"),
        # As params, because the cache identifies an entry by params, not by wildcards.
        name="{recipe}",
        n="{n}",
        seed="{seed}",
        recipe=per_model(study.recipe_options),
        device=config["device"],
        snapshot_epochs=per_model(study.snapshot_epochs),
    shell:
        "python -m mnist_vae train {input.digits:q} {input.grey:q} "
        "{output.weights:q} {output.history:q} {output.snapshots:q} "
        "--snapshot-epochs {params.snapshot_epochs} "
        "--recipe {params.name:q} --n {params.n:q} --seed {params.seed:q} --device {params.device:q} "
        "{params.recipe:q} > {log:q} 2>&1"
