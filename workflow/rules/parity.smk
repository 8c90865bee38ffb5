# The parity ladder: this study's numbers against those of the Julia reference, by `snakemake parity`.
#
#   results/parity/solutions.csv     solutions of the assignment, a row for each function
#   results/parity/ladder.{csv,md}   every check, and these rows
#   results/parity/ladder.png        their deviations
#
# Real images of the resolved data set, and the first model trained on the fewest of them. Not part of
# `rule all`, because it needs a Julia.

REFERENCE = CHECKOUT / "reference_julia"
REFERENCE_SOURCES = [*REFERENCE.glob("parity*.jl"), *REFERENCE.glob("src/*.jl")]


SOLUTIONS = {
    name: of_checkout(f"reference_julia/{name}")
    for name in ("solution.py", "solution_without_flux.jl", "solution.jl")
}


# Solutions of the assignment. Those of the reference in Julia are left out where Julia, or Flux, is not installed.
rule check_solutions:
    input:
        solutions=[SOLUTIONS["solution.py"], *config["parity"]["solutions"]],
        optional=[SOLUTIONS["solution_without_flux.jl"], SOLUTIONS["solution.jl"]],
        code=sources("check_solutions"),
        host=[of_checkout(f"workflow/mnist_vae/check/host.{suffix}") for suffix in ("jl", "py")],
    output:
        table="results/parity/solutions.csv",
    log:
        "results/parity/logs/check_solutions.log",
    conda:
        "../../envs/parity.yaml"
    threads: 1
    shell:
        "python -m mnist_vae --threads {threads} check_solutions {output.table:q} {input.solutions:q} "
        "--optional {input.optional:q} 2>&1 | tee -i {log:q}"


rule climb_ladder:
    input:
        solutions="results/parity/solutions.csv",
        digits=of_parity_model("results/{dataset}/data/binarized.safetensors"),
        weights=of_parity_model(f"{MODEL}/weights.safetensors"),
        entry=of_checkout("reference_julia/parity.jl"),
        julia=[of_checkout(path) for path in sorted(REFERENCE_SOURCES)],
        code=sources("parity"),
    output:
        ladder="results/parity/ladder.csv",
        markdown="results/parity/ladder.md",
    log:
        "results/parity/logs/climb_ladder.log",
    conda:
        "../../envs/parity.yaml"
    threads: 1
    params:
        reference=subpath(input.entry, parent=True),
        backend=config["parity"]["backend"],
    shell:
        "python -m mnist_vae --threads {threads} parity {input.digits:q} {input.weights:q} {output.ladder:q} "
        "{output.markdown:q} --solutions {input.solutions:q} --reference {params.reference:q} "
        "--backend {params.backend:q} 2>&1 | tee -i {log:q}"


use rule prior_samples as parity_ladder with:
    input:
        arrays="results/parity/ladder.csv",
    output:
        "results/parity/ladder.png",
    log:
        "results/parity/logs/parity_ladder.log",
    params:
        code=figure_code("parity_ladder"),
        figure="parity_ladder",


# The verdict, after all is written: a ladder that fails is kept to be looked at.
rule parity:
    input:
        ladder="results/parity/ladder.csv",
        markdown="results/parity/ladder.md",
        figure="results/parity/ladder.png",
        code=sources("check_parity"),
    log:
        "results/parity/logs/parity.log",
    localrule: True
    conda:
        "../../envs/figures.yaml"
    threads: 1
    shell:
        "python -m mnist_vae check_parity {input.ladder:q} 2>&1 | tee -i {log:q}"
