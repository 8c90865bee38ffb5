# The study beside published figures: the target `literature`, meant for config/literature.yaml. It takes models
# of two data sets.
#
#   results/literature/literature.{csv,md}   -log p(x) of this project's and others' models, with the protocols


BOTH = [*study.models("mnist"), *study.models("mnist_sampled")]


rule literature_table:
    input:
        published=of_checkout("config/published.csv"),
        metrics=[model.file("metrics.csv") for model in BOTH],
        weights=[model.file("weights.safetensors") for model in BOTH],
    output:
        table="results/literature/literature.csv",
        markdown="results/literature/literature.md",
    log:
        "results/literature/logs/literature_table.log",
    localrule: True
    conda:
        "../../envs/figures.yaml"
    threads: 1
    params:
        code=code("commands.tabulate_literature"),
    shell:
        "python -m mnist_vae tabulate_literature {input.published:q} --metrics {input.metrics:q} "
        "--weights {input.weights:q} --table {output.table:q} --markdown {output.markdown:q} > {log:q} 2>&1"


rule literature:
    input:
        "results/literature/literature.csv",
    localrule: True
