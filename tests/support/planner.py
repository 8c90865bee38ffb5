"""Snakemake's command line, served by one process that has imported it, which halves the time of a plan.

Reads lines of JSON, each a folder and arguments, and writes a line for each: exit status and output.
"""

import json
import os
import sys
import tempfile

import snakemake.api
import snakemake.report.html_reporter
import snakemake.storage  # noqa: F401, what a run imports besides
from snakemake.cli import main


def in_a_child(folder: str, arguments: list[str]) -> tuple[int, str]:
    """Run Snakemake in a fork of this process, which has its imports but no state of earlier runs."""
    with tempfile.TemporaryFile("w+") as printed:
        child = os.fork()
        if child == 0:
            os.chdir(folder)
            for stream in (1, 2):
                os.dup2(printed.fileno(), stream)
            main(arguments)  # which exits
        _, status = os.waitpid(child, 0)
        printed.seek(0)
        return os.waitstatus_to_exitcode(status), printed.read()


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(in_a_child(*json.loads(line))), flush=True)
