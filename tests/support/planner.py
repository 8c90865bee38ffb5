"""Snakemake's command line, served from one process that has imported it: a plan then takes half the time.

Reads lines of JSON, each a folder and arguments; writes a line for each: exit status and what was printed.
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
    """Run Snakemake in a fork of this process, where nothing is left of an earlier run but the imports."""
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
