# Timings: `snakemake --cores 1 benchmarks`, when the machine has nothing else to do.
#
#   results/{dataset}/benchmarks/ratios.{csv,md}   ways to do the same, timed in turns
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
