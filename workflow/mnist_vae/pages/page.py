"""Pages of Markdown, and the tables in them."""

import re

import pandas as pd

# A cell that is a number, two of them, or one with its error.
NUMBERS = re.compile(r"((< )?[-+]?[\d,.]*\d( ?%)?( (±|to|and) [-+]?[\d,.]*\d)?)?")


def page(title: str, *blocks: str) -> str:
    """A page of a title and blocks, which are paragraphs, headings or tables; empty ones are left out."""
    return "\n\n".join([f"# {title}", *filter(None, blocks)]) + "\n"


def markdown_table(table: pd.DataFrame) -> str:
    """A table of texts in Markdown, its columns of numbers aligned to the right."""
    texts = table.astype(str)
    aligned = ["right" if all(map(NUMBERS.fullmatch, texts[name])) else "left" for name in texts]
    return str(table.to_markdown(index=False, disable_numparse=True, colalign=aligned))
