# The page in which decoders run, the pictured model's and another's: results/{dataset}/explorer.html


def models_on_the_page(wildcards):
    """Recipe, train size and seed of the pictured model and, if there is one, of the first other recipe's of that size."""
    n = pictured_size(wildcards.dataset)
    pictured = config["figures"]["recipe"]
    others = [
        recipe
        for recipe, settings in RECIPES.items()
        if recipe != pictured
        and n in train_sizes(settings, dataset_named(wildcards.dataset))
        and latent_dimensions(settings, n) == 2
    ]
    seeds = {recipe: RECIPES[recipe]["seeds"][0] for recipe in others} | {pictured: config["figures"]["seed"]}
    return [{"recipe": recipe, "n": n, "seed": seeds[recipe]} for recipe in (pictured, *others[:1])]


def of_models_on_the_page(file):
    """The given file of each model on the page, as a function of the data set."""
    return lambda wildcards: [
        path for model in models_on_the_page(wildcards) for path in expand(f"{MODEL}/{file}", **wildcards, **model)
    ]


def of_film(file):
    """The given file of each model's training: none, unless all are their recipe's first seed, which alone is followed."""

    def files(wildcards):
        followed = all(model["seed"] == RECIPES[model["recipe"]]["seeds"][0] for model in models_on_the_page(wildcards))
        return of_models_on_the_page(file)(wildcards) if followed else []

    return files


rule explorer:
    input:
        digits="results/{dataset}/data/binarized.safetensors",
        weights=on_plane("the explorer", of_models_on_the_page("weights.safetensors")),
        latents=of_models_on_the_page("latents.safetensors"),
        snapshots=of_film("snapshots.safetensors"),
        epochs=of_film("epochs.csv"),
        templates=EXPLORER_TEMPLATES,
    output:
        page=report(
            "results/{dataset}/explorer.html",
            caption="../report/explorer.rst",
            category="Part 3: pictures of the model",
            labels=of_one_model("explorer, to play with"),
        ),
    log:
        "results/{dataset}/logs/explorer.log",
    localrule: True
    conda:
        "../../envs/figures.yaml"
    threads: 1
    params:
        code=code("build_explorer"),
    shell:
        "python -m mnist_vae --threads {threads} build_explorer {input.digits:q} {output.page:q} "
        "--weights {input.weights:q} --latents {input.latents:q} "
        "--snapshots {input.snapshots:q} --epochs {input.epochs:q} > {log:q} 2>&1"
