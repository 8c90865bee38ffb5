# A two-dimensional variational autoencoder on binarized MNIST: every table and figure of the study.
#
#   results/{dataset}/data/                          the digits, grey and binarized
#   results/{dataset}/models/{recipe}/n{n}/seed{seed}/   one trained model, and what is computed from it
#   results/{dataset}/tables/                        the study's numbers
#   results/{dataset}/figures/{name}.png             the study's pictures
#   results/{dataset}/explorer.html                  one model, alive in a page
#   results/{dataset}/pages/                         tables and answers, to read
#   results/{dataset}/manifest.json                  every file's checksum, and what made it
#   results/parity/                                  the study's functions against the Julia reference
#   results/{dataset}/benchmarks/                    timings
#
# One image's way: rules/data.smk, training.smk, evaluation.smk, gaps.smk, inference.smk, figures.smk,
# explorer.smk, report.smk, manifest.smk.

from snakemake.utils import min_version

min_version("9.0")


configfile: f"{workflow.basedir}/config/config.yaml"


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/training.smk"
include: "workflow/rules/evaluation.smk"
include: "workflow/rules/gaps.smk"
include: "workflow/rules/inference.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/parity.smk"
include: "workflow/rules/explorer.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/manifest.smk"
include: "workflow/rules/benchmarks.smk"


wildcard_constraints:
    dataset="mnist|mnist5k",
    recipe="[a-z][a-z0-9_]*",
    n=r"\d+",
    seed=r"\d+",


# What takes seconds, or needs the network, which a cluster's nodes may lack, runs where Snakemake does.
localrules:
    all,
    tables,
    figures,
    benchmarks,
    obtain_mnist,
    obtain_mnist5k,
    binarize,
    tabulate,
    prior_samples,
    latent_scatter,
    interpolation,
    latent_manifold,
    top_half_posterior,
    completion,
    training_curves,
    inference_gap,
    importance_weighted_bound,
    explorer,
    elbo_page,
    gaps_page,
    differences_page,
    questions_page,
    manifest,
    manifest_page,
    account,
    timings,
    parity_ladder,
    parity,


rule all:
    default_target: True
    input:
        all_tables,
        all_figures,
        all_pages,


rule tables:
    input:
        all_tables,


rule figures:
    input:
        all_figures,
