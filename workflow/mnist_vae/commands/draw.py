"""Draw a figure from stored arrays. No network is loaded, so restyling takes seconds."""

import pkgutil
from argparse import ArgumentParser, Namespace
from importlib import import_module

from mnist_vae import figures
from mnist_vae.figures.style import save, study_style
from mnist_vae.files.storage import whole_file

# Listed by folder: if pictures depended on the table of figures, adding one would redraw all others.
SHARED = {"classes", "style", "table"}
FIGURES = sorted({module.name for module in pkgutil.iter_modules(figures.__path__)} - SHARED)


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("figure", choices=FIGURES, metavar="FIGURE", help=", ".join(FIGURES))
    parser.add_argument("output", help="where the picture goes (.png)")
    parser.add_argument("sources", nargs="+", help="the arrays or tables that it is drawn from")


def run(options: Namespace) -> None:
    """Draw and save."""
    figure_module = import_module(f"{figures.__name__}.{options.figure}")
    with study_style(), whole_file(options.output) as temporary:
        save(figure_module.draw(options.sources), temporary)
