# The page in which the pictured model's decoder runs: results/{dataset}/explorer.html


rule explorer:
    input:
        weights=on_plane("the explorer", of_pictured_model("weights.safetensors")),
        latents=of_pictured_model("latents.safetensors"),
        digits="results/{dataset}/data/binarized.safetensors",
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
        "python -m mnist_vae --threads {threads} build_explorer {input.weights:q} {input.latents:q} {input.digits:q} "
        "{output.page:q} > {log:q} 2>&1"
