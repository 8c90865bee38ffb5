# Timings: `snakemake --cores 1 benchmarks`, when the machine has nothing else to do.
#
#   results/{dataset}/benchmarks/ratios.{csv,md}      implementations of training and inference, timed in turns
#   results/{dataset}/benchmarks/processes.{csv,md}   training runs side by side, and on more images
#   results/{dataset}/benchmarks/commands.{csv,md}    whole processes: the package's start, and each figure
#   results/{dataset}/benchmarks/timings.png          the figure of these three tables
#   results/{dataset}/benchmarks/jobs.{csv,md}        the cost of the jobs that made the results
#
# Not part of `rule all`: timings are never the same twice. With more --cores each contender has more threads.

from mnist_vae.figures.table import STUDY_FIGURES

EVERY_CORE = software.cores()  # as far as --cores allows: nothing else runs while something is timed


rule benchmarks:
    input:
        asked_for(results.benchmarks),
    localrule: True


rule benchmark:
    input:
        digits="results/{dataset}/data/binarized.safetensors",
        weights=of(study.timed_models, "weights.safetensors"),
        entry=of_checkout("reference_julia/epochs.jl"),
        julia=[of_checkout(path) for path in sorted(REFERENCE_SOURCES)],
    output:
        ratios="results/{dataset}/benchmarks/ratios.csv",
        markdown="results/{dataset}/benchmarks/ratios.md",
    log:
        "results/{dataset}/logs/benchmark.log",
    conda:
        "../../envs/benchmarks.yaml"
    threads: EVERY_CORE
    params:
        code=code("commands.benchmark"),
        reference=subpath(input.entry, parent=True),
        rounds=config["benchmarks"]["rounds"],
        images=config["benchmarks"]["images"],
        marginal=option_words(config["marginal"]),
    shell:
        "python -m mnist_vae --threads {threads} benchmark {input.digits:q} {input.weights:q} {output.ratios:q} "
        "{output.markdown:q} --reference {params.reference:q} --rounds {params.rounds} "
        "--images {params.images} {params.marginal:q} > {log:q} 2>&1"


rule benchmark_processes:
    input:
        digits="results/{dataset}/data/binarized.safetensors",
    output:
        timings="results/{dataset}/benchmarks/processes.csv",
        markdown="results/{dataset}/benchmarks/processes.md",
    log:
        "results/{dataset}/logs/benchmark_processes.log",
    conda:
        "../../envs/benchmarks.yaml"
    threads: EVERY_CORE
    params:
        code=code("commands.benchmark_processes", "commands.repeat_epochs"),
        rounds=config["benchmarks"]["rounds"],
    shell:
        "python -m mnist_vae --threads {threads} benchmark_processes {input.digits:q} {output.timings:q} "
        "{output.markdown:q} --rounds {params.rounds} > {log:q} 2>&1"


rule benchmark_commands:
    input:
        **{name: per_dataset(results.drawn_from_if_shown, name) for name in STUDY_FIGURES},
    output:
        timings="results/{dataset}/benchmarks/commands.csv",
        markdown="results/{dataset}/benchmarks/commands.md",
    log:
        "results/{dataset}/logs/benchmark_commands.log",
    conda:
        "../../envs/figures.yaml"
    threads: EVERY_CORE
    params:
        code=code(
            "commands.benchmark_commands", "commands.draw", *(f"figures.{name}" for name in STUDY_FIGURES)
        ),
        rounds=config["benchmarks"]["rounds"],
        figures=lambda wildcards, input: [
            word
            for name in results.shown(wildcards.dataset, STUDY_FIGURES)
            for word in ("--figure", name, *input.get(name))
        ],
    shell:
        "python -m mnist_vae benchmark_commands {output.timings:q} {output.markdown:q} "
        "--rounds {params.rounds} {params.figures:q} > {log:q} 2>&1"


# From the record, not from `benchmark:`, which Snakemake does not allow together with `cache:`.
rule account:
    input:
        manifest="results/{dataset}/manifest.json",
    output:
        jobs="results/{dataset}/benchmarks/jobs.csv",
        markdown="results/{dataset}/benchmarks/jobs.md",
    log:
        "results/{dataset}/logs/account.log",
    localrule: True
    conda:
        "../../envs/figures.yaml"
    threads: 1
    params:
        code=code("commands.account"),
        record=OWN_RECORD,
        folder=subpath(input.manifest, parent=True),
    shell:
        "python -m mnist_vae account {params.record:q} {params.folder:q} {output.jobs:q} {output.markdown:q} "
        "> {log:q} 2>&1"
