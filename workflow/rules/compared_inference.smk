# Methods of approximate inference against exact posteriors: the target `inference` (docs/inference.md).
#
#   results/{dataset}/models/.../inference.csv          a row a method and setting
#   results/{dataset}/models/.../inference.safetensors  some posteriors, with what methods make of them
#   results/{dataset}/tables/inference.{csv,md}         the rows of all models
#   results/{dataset}/figures/inference.png             what log p(x) costs, and what posteriors methods find


rule infer:
    input:
        digits="results/{dataset}/data/binarized.safetensors",
        weights=f"{MODEL}/weights.safetensors",
    output:
        table=f"{MODEL}/inference.csv",
        arrays=f"{MODEL}/inference.safetensors",
    log:
        f"{MODEL}/logs/infer.log",
    conda:
        "../../envs/inference.yaml"
    threads: one_processor
    params:
        code=code("commands.infer"),
        marginal=option_words(config["marginal"]),
        inference=option_words(config["inference"]),
    shell:
        "python -m mnist_vae infer {input.digits:q} {input.weights:q} {output.table:q} {output.arrays:q} "
        "{params.marginal:q} {params.inference:q} > {log:q} 2>&1"


rule inference_table:
    input:
        comparisons=of(study.compared_models, "inference.csv"),
    output:
        table="results/{dataset}/tables/inference.csv",
        markdown="results/{dataset}/tables/inference.md",
    log:
        "results/{dataset}/logs/inference_table.log",
    localrule: True
    conda:
        "../../envs/figures.yaml"
    threads: 1
    params:
        code=code("commands.tabulate_inference"),
    shell:
        "python -m mnist_vae tabulate_inference {input.comparisons:q} --table {output.table:q} "
        "--markdown {output.markdown:q} --dataset {wildcards.dataset:q} > {log:q} 2>&1"


rule inference:
    input:
        asked_for(results.inference),
    localrule: True
