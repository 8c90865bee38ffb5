"""Turn a page in Markdown into HTML."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from mnist_vae.files.storage import read_table, read_text, save_text
from mnist_vae.pages.markdown import html_page
from mnist_vae.pages.table_pages import third_question_answer
from mnist_vae.pages.tables import STRETCHES


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("markdown", help="the text (.md)")
    parser.add_argument("output", help="where the page goes (.html)")
    parser.add_argument(
        "--third-question",
        help="the changes that `tabulate` stored; adds the third question's measured answer",
    )


def run(options: Namespace) -> None:
    """Render the text, with the third question's measured answer below it if asked for."""
    markdown = read_text(options.markdown)
    if options.third_question:
        answer = third_question_answer(read_table(options.third_question, STRETCHES))
        markdown += f"\n## The third question, measured\n\n{answer}\n"
    save_text(options.output, html_page(markdown, Path(options.output).stem))
