# The manifest: every file computed, with its checksum, the versions that made it, and the configuration.
#
#   results/record.jsonl              how each file was made: every job appends to it, and the command reads it
#   results/{dataset}/manifest.json   every file's SHA-256, in the order in which they are made
#   results/{dataset}/manifest.md     the manifest as a page, also as pages/manifest.html
#
# `make verify` compares the files with it. A commit or another version of a library alone does not rerun jobs.

import json


rule manifest:
    input:
        files=per_dataset(results.all),
    output:
        manifest="results/{dataset}/manifest.json",
        markdown="results/{dataset}/manifest.md",
    log:
        "results/{dataset}/logs/manifest.log",
    localrule: True
    conda:
        "../../envs/figures.yaml"
    threads: 1
    params:
        code=code("commands.manifest"),
        config=lambda wildcards: json.dumps(told(results.configuration, wildcards.dataset), sort_keys=True),
    shell:
        "python -m mnist_vae manifest {output.manifest:q} {output.markdown:q} {input.files:q} "
        "--config {params.config:q} > {log:q} 2>&1"
