# The study's numbers.
#
#   results/{dataset}/models/{recipe}/n{n}/seed{seed}/metrics.csv   one model's
#   results/{dataset}/tables/metrics.csv                            all models', one row per number
#   results/{dataset}/tables/elbo.{csv,md}                          the table people read
#   results/{dataset}/tables/gaps.{csv,md}                          bounds, exact log p(x), and the gaps between
#   results/{dataset}/tables/epochs.csv                             bounds and exact log p(x) during training
#   results/{dataset}/tables/differences.{csv,md}                   between recipes, with intervals over seeds
#   results/{dataset}/tables/third_question.csv                     changes of ELBO and KL between snapshots


rule evaluate:
    input:
        digits="results/{dataset}/data/binarized.safetensors",
        weights=f"{MODEL}/weights.safetensors",
    output:
        metrics=f"{MODEL}/metrics.csv",
    log:
        f"{MODEL}/logs/evaluate.log",
    cache: SHARED
    conda:
        "../../envs/torch.yaml"
    threads: one_processor
    params:
        software=computed_with,
        code=code("commands.evaluate"),
        draws=option_words(config["evaluation"]),
        marginal=option_words(config["marginal"]),
        images=per_dataset(study.first_images, "gaps"),
    shell:
        "python -m mnist_vae evaluate {input.digits:q} {input.weights:q} {output.metrics:q} "
        "{params.draws:q} {params.marginal:q} "
        "--images {params.images} > {log:q} 2>&1"


rule tabulate:
    input:
        models=lambda wildcards: [
            model.file("metrics.csv") for model in study.models(announced(wildcards.dataset))
        ],
        epochs=of(study.first_seeds, "epochs.csv"),
    output:
        metrics="results/{dataset}/tables/metrics.csv",
        elbo="results/{dataset}/tables/elbo.csv",
        markdown="results/{dataset}/tables/elbo.md",
        gaps="results/{dataset}/tables/gaps.csv",
        gaps_markdown="results/{dataset}/tables/gaps.md",
        differences="results/{dataset}/tables/differences.csv",
        differences_markdown="results/{dataset}/tables/differences.md",
        epochs="results/{dataset}/tables/epochs.csv",
        third_question="results/{dataset}/tables/third_question.csv",
    log:
        "results/{dataset}/logs/tabulate.log",
    localrule: True
    conda:
        "../../envs/figures.yaml"
    threads: 1
    params:
        code=code("commands.tabulate"),
    shell:
        "python -m mnist_vae tabulate {input.models:q} --epochs {input.epochs:q} "
        "--dataset {wildcards.dataset:q} "
        "--metrics {output.metrics:q} --elbo {output.elbo:q} --elbo-markdown {output.markdown:q} "
        "--gaps {output.gaps:q} --gaps-markdown {output.gaps_markdown:q} "
        "--differences {output.differences:q} --differences-markdown {output.differences_markdown:q} "
        "--all-epochs {output.epochs:q} "
        "--third-question {output.third_question:q} "
        "> {log:q} 2>&1"
