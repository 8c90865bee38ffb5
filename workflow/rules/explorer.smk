# The page in which the decoders of the pictured model and another one run: results/{dataset}/explorer.html

TEMPLATES = CHECKOUT / "workflow/mnist_vae/pages/templates/explorer"


rule explorer:
    input:
        digits="results/{dataset}/data/binarized.safetensors",
        weights=of(study.models_on_the_page, "weights.safetensors"),
        latents=of(study.models_on_the_page, "latents.safetensors"),
        snapshots=of(study.models_of_the_film, "snapshots.safetensors"),
        epochs=of(study.models_of_the_film, "epochs.csv"),
        templates=[of_checkout(path.relative_to(CHECKOUT)) for path in sorted(TEMPLATES.iterdir())],
    output:
        page="results/{dataset}/explorer.html",
    log:
        "results/{dataset}/logs/explorer.log",
    priority: 1
    localrule: True
    conda:
        "../../envs/figures.yaml"
    threads: 1
    params:
        code=code("commands.build_explorer"),
        pictured=per_dataset(results.labels_of_pictured, "explorer"),  # the same two files, in another order
    shell:
        "python -m mnist_vae --threads {threads} build_explorer {input.digits:q} {output.page:q} "
        "--weights {input.weights:q} --latents {input.latents:q} "
        "--snapshots {input.snapshots:q} --epochs {input.epochs:q} > {log:q} 2>&1"
