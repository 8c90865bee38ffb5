# The parity ladder: this study's numbers against those of the Julia reference, by `snakemake parity`.
#
#   results/parity/solutions.csv     solutions of the assignment, one row per function
#   results/parity/ladder.{csv,md}   every check, and these rows
#   results/parity/ladder.png        their deviations
#
# It uses images of the resolved data set, and the reference model of the smallest train size. It is not part of
# `rule all`, because it needs a Julia.

REFERENCE = CHECKOUT / "reference_julia"
REFERENCE_SOURCES = [*REFERENCE.glob("parity*.jl"), *REFERENCE.glob("src/*.jl")]


# Solutions of the assignment. The reference's own in Julia are left out if Julia, or Flux, is not installed.
rule check_solutions:
    input:
        solutions=[of_checkout("reference_julia/solution.py"), *config["parity"]["solutions"]],
        optional=[
            of_checkout("reference_julia/solution_without_flux.jl"),
            of_checkout("reference_julia/solution.jl"),
        ],
        host=of_checkout("workflow/mnist_vae/check/host.jl"),
    output:
        table="results/parity/solutions.csv",
    log:
        "results/parity/logs/check_solutions.log",
    conda:
        "../../envs/parity.yaml"
    threads: 1
    params:
        code=code("commands.check_solutions", "check.host"),
    shell:
        "python -m mnist_vae --threads {threads} check_solutions {output.table:q} {input.solutions:q} "
        "--optional {input.optional:q} 2>&1 | tee -i {log:q}"


rule climb_ladder:
    input:
        solutions="results/parity/solutions.csv",
        digits=asked_for("results/{}/data/binarized.safetensors".format),
        weights=asked_for(lambda dataset: study.parity_model(dataset).file("weights.safetensors")),
        entry=of_checkout("reference_julia/parity.jl"),
        julia=[of_checkout(path) for path in sorted(REFERENCE_SOURCES)],
    output:
        ladder="results/parity/ladder.csv",
        markdown="results/parity/ladder.md",
    log:
        "results/parity/logs/climb_ladder.log",
    conda:
        "../../envs/parity.yaml"
    threads: 1
    params:
        code=code("commands.parity"),
        reference=subpath(input.entry, parent=True),
        backend=config["parity"]["backend"],
    shell:
        "python -m mnist_vae --threads {threads} parity {input.digits:q} {input.weights:q} {output.ladder:q} "
        "{output.markdown:q} --solutions {input.solutions:q} --reference {params.reference:q} "
        "--backend {params.backend:q} 2>&1 | tee -i {log:q}"


# The verdict comes last, so that a failed ladder is kept and can be examined.
rule parity:
    input:
        ladder="results/parity/ladder.csv",
        markdown="results/parity/ladder.md",
        figure="results/parity/ladder.png",
    log:
        "results/parity/logs/parity.log",
    localrule: True
    conda:
        "../../envs/figures.yaml"
    threads: 1
    params:
        code=code("commands.check_parity"),
    shell:
        "python -m mnist_vae check_parity {input.ladder:q} 2>&1 | tee -i {log:q}"
