"""Compare every function with the Julia reference: the parity ladder."""

import sys
from argparse import ArgumentParser, Namespace

from mnist_vae.commands.shared.table_page import save_with_page
from mnist_vae.data.digits import load_digits
from mnist_vae.files.storage import load_provenance, read_table
from mnist_vae.files.weights import load_weights
from mnist_vae.parity.bridge import BACKENDS, ask_reference
from mnist_vae.parity.checks import climb, make_inputs
from mnist_vae.parity.tables import COLUMNS, ladder_markdown, with_solutions

IMAGES, BATCH_SIZE, EPOCHS = 1_000, 100, 10  # Adam takes 100 steps


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("digits", help="what `binarize` stored")
    parser.add_argument("weights", help="what `train` stored")
    parser.add_argument("ladder", help="where the table goes (.csv)")
    parser.add_argument("markdown", help="where its page goes (.md)")
    parser.add_argument("--solutions", required=True, help="what `check_solutions` stored (.csv)")
    parser.add_argument("--reference", required=True, help="the Julia project's folder")
    parser.add_argument("--backend", required=True, choices=BACKENDS)


def run(options: Namespace) -> None:
    """Write the table, whether or not all checks pass: `check_parity` gives the verdict."""
    images, _ = load_digits(options.digits, "train", IMAGES)
    weights = {name: tensor.numpy() for name, tensor in load_weights(options.weights).state_dict().items()}
    inputs = make_inputs(weights, images, BATCH_SIZE, EPOCHS)
    answer = ask_reference(inputs, options.reference, options.backend)
    print("comparing with this package's numbers", file=sys.stderr, flush=True)
    ladder = with_solutions(climb(inputs, answer), read_table(options.solutions, COLUMNS))
    source = load_provenance(options.weights)
    model = "{dataset}, {recipe} recipe, n = {n:,}, seed {seed}".format(**source)
    save_with_page(ladder, options.ladder, ladder_markdown(ladder, model, answer.tried), options.markdown)
