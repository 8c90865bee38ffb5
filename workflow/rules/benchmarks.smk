# Timings: `snakemake --cores 1 benchmarks`, when the machine has nothing else to do.
#
#   results/{dataset}/benchmarks/ratios.{csv,md}   ways to do the same, timed in turns
#   results/{dataset}/benchmarks/jobs.{csv,md}     what the jobs cost that made the results there are
#
# Not part of `rule all`: timings are never the same twice.


rule benchmarks:
    input:
        all_benchmarks,


rule benchmark:
    input:
        digits="results/{dataset}/data/binarized.safetensors",
        weights=of_pictured_model("weights.safetensors"),
        code=sources("benchmark"),
    output:
        ratios="results/{dataset}/benchmarks/ratios.csv",
        markdown="results/{dataset}/benchmarks/ratios.md",
    log:
        "results/{dataset}/logs/benchmark.log",
    conda:
        "../../envs/benchmarks.yaml"
    threads: 1
    params:
        rounds=config["benchmarks"]["rounds"],
        images=config["benchmarks"]["images"],
        window=config["marginal"]["window"],
        size=config["marginal"]["size"],
    shell:
        "python -m mnist_vae --threads {threads} benchmark {input.digits:q} {input.weights:q} {output.ratios:q} "
        "{output.markdown:q} --rounds {params.rounds} --images {params.images} "
        "--window {params.window} --size {params.size} > {log:q} 2>&1"


# From the record, not from `benchmark:`, which Snakemake forbids to rules that its cache may serve.
rule account:
    input:
        manifest="results/{dataset}/manifest.json",
        code=sources("account"),
    output:
        jobs="results/{dataset}/benchmarks/jobs.csv",
        markdown="results/{dataset}/benchmarks/jobs.md",
    log:
        "results/{dataset}/logs/account.log",
    conda:
        "../../envs/figures.yaml"
    threads: 1
    params:
        record=OWN_RECORD,
        folder=subpath(input.manifest, parent=True),
    shell:
        "python -m mnist_vae account {params.record:q} {params.folder:q} {output.jobs:q} {output.markdown:q} "
        "> {log:q} 2>&1"
