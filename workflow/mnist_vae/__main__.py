"""The command line: `python -m mnist_vae COMMAND ...`. Each command is one module of `commands`."""

import argparse
import gc
import sys
from importlib import import_module
from typing import Annotated, NoReturn

from mnist_vae.errors import InputError
from mnist_vae.parameters import Parameter, add_option
from mnist_vae.provenance.environment import ignore_choices

COMMANDS = {
    "obtain": "find or download a data set, check it, and store its grey pictures",
    "binarize": "turn grey pictures into binary ones",
    "train": "train one model",
    "evaluate": "measure one model: its ELBO, exact log-densities, and the gaps between them",
    "measure_epochs": "measure the ELBO and exact log p(x) of each snapshot of a training run",
    "weigh_draws": "compute importance-weighted bounds on log p(x)",
    "compare_estimate": "compare the estimate of log p(x) with the sum, in one or two latent dimensions",
    "compare_lattices": "compare plain sums over lattices with the adaptive sum of log p(x)",
    "tabulate": "collect the models' numbers in the study's tables",
    "tabulate_latents": "tabulate the models' numbers over the latent dimension",
    "tabulate_estimates": "tabulate how estimates of log p(x) compare with sums",
    "tabulate_literature": "tabulate models beside published figures",
    "infer": "compare methods of inference with the exact posteriors of test images",
    "tabulate_inference": "tabulate how methods of inference compare with exact posteriors",
    "posteriors": "write exact posteriors of test images for use without this project",
    "encode": "encode training images",
    "sample_prior": "decode draws from the prior",
    "reconstruct": "encode and decode test images, one of each class",
    "interpolate": "decode between encoded training images",
    "decode_manifold": "decode a regular grid of the latent plane",
    "fit_top_half": "fit q to the top half of images",
    "complete_top_half": "draw bottom halves, and contours, from fitted q",
    "tabulate_top_half": "tabulate how far each fitted q lies from the exact posterior",
    "draw": "draw a figure from stored arrays",
    "manifest": "list what was computed: each file's checksum, and the versions that made it",
    "verify": "compare results with their manifest, and with an earlier one",
    "parity": "compare every function with the Julia reference",
    "check_solutions": "check whole solutions of the assignment, for the parity ladder",
    "check_parity": "fail if any check of the parity ladder failed",
    "check": "check any solution of the assignment, in Python or Julia",
    "account": "add up the time and memory of the jobs",
    "benchmark": "time training and inference against other implementations",
    "benchmark_processes": "time training runs side by side, and on more images",
    "benchmark_commands": "time whole processes: Python, this package, each figure",
    "repeat_epochs": "train an epoch for each line of input, for a benchmark",
    "quote": "compare the numbers that pages quote with the tables, or update them",
    "build_page": "turn a page in Markdown into HTML",
    "build_explorer": "build the interactive page in which decoders run",
}


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        """End the process with status 2."""
        self.exit(2, f"error: {message}; see `{self.prog} --help`\n")


def main(words: list[str] | None = None) -> int:
    """Run one command; return the process's exit status."""
    parser = Parser(
        prog="mnist-vae",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="\n".join(
            [
                "commands:",
                *(f"  {name:20}{text}" for name, text in COMMANDS.items()),
                "",
                "check needs nothing more; the others need `pip install 'mnist-vae[pipeline]'`.",
            ]
        ),
    )
    threads = Annotated[int, Parameter("number of threads of the numerical libraries", minimum=1)]
    add_option(parser, "threads", threads, 1)
    parser.add_argument("command", choices=COMMANDS, metavar="COMMAND")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="see `mnist-vae COMMAND --help`")
    try:
        options = parser.parse_args(words)
        ignore_choices(options.threads)  # before the command imports what reads them
        from mnist_vae.files.storage import WRITTEN
        from mnist_vae.provenance.record import add_to_records

        command = import_module(f"mnist_vae.commands.{options.command}")
        subparser = Parser(prog=f"mnist-vae {options.command}", description=COMMANDS[options.command])
        command.add_arguments(subparser)
        WRITTEN.clear()
        command.run(subparser.parse_args(options.arguments))
        add_to_records(options.command, WRITTEN)
    except (InputError, OSError) as error:  # OSError: no such file, no permission, no space left
        print(f"error: {error}", file=sys.stderr)
        return 1
    except ModuleNotFoundError as error:
        return without_package(options.command, error)
    except KeyboardInterrupt:
        print(f"{options.command}: interrupted", file=sys.stderr)
        return 130
    return 0


def without_package(command: str, error: ModuleNotFoundError) -> int:
    """Say how to install what a command needs, where only the check's packages are installed."""
    package = (error.name or "").partition(".")[0]
    if package in ("", "mnist_vae"):
        raise error
    extra = "inference" if package in ("blackjax", "jax", "zuko") else "pipeline"
    print(
        f"error: {command} needs the package {package}, which is not installed: "
        f"`pip install --editable '.[{extra}]'` in a checkout installs it, and elsewhere "
        f"`pip install 'mnist-vae[{extra}]'`.",
        file=sys.stderr,
    )
    return 1


if __name__ == "__main__":
    gc.set_threshold(100_000)  # imports make many objects, and all of them stay
    status = main()
    gc.freeze()  # or the interpreter would visit all of them again as it ends
    sys.exit(status)
