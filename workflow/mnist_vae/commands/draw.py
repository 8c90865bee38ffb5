"""Draw a figure from stored arrays. No network is loaded here, so restyling takes seconds."""

from argparse import ArgumentParser, Namespace

from mnist_vae.figures import drawings as figures
from mnist_vae.files.storage import whole_file


def add_arguments(parser: ArgumentParser) -> None:
    """Describe the command's options."""
    parser.add_argument("figure", choices=figures.FIGURES, metavar="FIGURE", help=", ".join(figures.FIGURES))
    parser.add_argument("output", help="where the picture goes (.png)")
    parser.add_argument("sources", nargs="+", help="the stored arrays or tables it is drawn from")


def run(options: Namespace) -> None:
    """Draw and save."""
    figure = figures.FIGURES[options.figure](options.sources)
    with whole_file(options.output) as temporary:
        figure.savefig(temporary, metadata={"Software": None})
