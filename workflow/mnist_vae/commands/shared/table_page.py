"""Shared by commands that write a table as CSV and as a page of Markdown."""

from argparse import ArgumentParser
from pathlib import Path

import pandas as pd

from mnist_vae.files.storage import save_text, whole_file


def add_table_page_arguments(parser: ArgumentParser) -> None:
    """Add the options for the paths of both."""
    parser.add_argument("--table", required=True, help="where the table goes (.csv)")
    parser.add_argument("--markdown", required=True, help="where its page goes (.md)")


def save_with_page(table: pd.DataFrame, path: str | Path, page: str, page_path: str | Path) -> None:
    """Write a table (.csv) and the page that shows it (.md)."""
    with whole_file(path) as temporary:
        table.to_csv(temporary, index=False)
    save_text(page_path, page)
