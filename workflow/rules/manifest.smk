# What was computed, from which configuration, by which versions, as which bits.
#
#   results/record.jsonl              which versions made which file: every job adds to it
#   results/{dataset}/manifest.json   every file's SHA-256, in the order in which they are made
#   results/{dataset}/manifest.md     the same to read, and pages/manifest.html
#
# `make verify` compares the files with it. A commit, or another version of a library, alone makes nothing anew.

TABLES = ["metrics.csv", "elbo.csv", "elbo.md", "gaps.csv", "gaps.md", "epochs.csv", "third_question.csv"]


def all_results(wildcards):
    """Every file that is computed on a data set, each after those that it is made of."""
    results = f"results/{wildcards.dataset}"
    return [
        f"{results}/data/grey.safetensors",
        f"{results}/data/binarized.safetensors",
        *[
            path
            for file in (
                "weights.safetensors",
                "history.csv",
                "snapshots.safetensors",
                "metrics.csv",
                "gaps.csv",
            )
            for path in of_every_model(file)(wildcards)
        ],
        *[path for file in ("epochs.csv", "weighted_draws.csv") for path in of_first_seeds(file)(wildcards)],
        *[
            path
            for name in (
                "latents",
                "prior_samples",
                "interpolation",
                "latent_manifold",
                "top_half_fit",
                "top_half",
            )
            for path in of_pictured_model(f"{name}.safetensors")(wildcards)
        ],
        *[f"{results}/tables/{table}" for table in TABLES],
        *[f"{results}/figures/{figure}.png" for figure in FIGURES],
        f"{results}/explorer.html",
        *[f"{results}/pages/{page}.html" for page in ("elbo", "gaps", "questions")],
    ]


def config_of_results(wildcards):
    """The configuration that the results depend on, complete: not where data come from, nor how Julia is run."""
    return json.dumps(
        {key: config[key] for key in sorted(config.keys() - {"dataset", "mnist_dir", "mirrors", "parity"})}
        | {"train_sizes": config["train_sizes"][wildcards.dataset], "recipes": RECIPES}
    )


rule manifest:
    input:
        files=all_results,
        code=sources("manifest"),
    output:
        manifest="results/{dataset}/manifest.json",
        markdown="results/{dataset}/manifest.md",
    log:
        "results/{dataset}/logs/manifest.log",
    conda:
        "../../envs/figures.yaml"
    threads: 1
    params:
        config=config_of_results,
        record=RECORD,
    shell:
        "python -m mnist_vae manifest {output.manifest:q} {output.markdown:q} {input.files:q} "
        "--config {params.config:q} --record {params.record:q} > {log:q} 2>&1"


use rule elbo_page as manifest_page with:
    input:
        markdown="results/{dataset}/manifest.md",
        code=sources("build_page"),
        template=PAGE_TEMPLATE,
    output:
        page=report(
            "results/{dataset}/pages/manifest.html",
            caption="../report/manifest.rst",
            category="Reproducibility",
            labels=of_all_models("files, and the versions that made them"),
        ),
    log:
        "results/{dataset}/logs/manifest_page.log",
