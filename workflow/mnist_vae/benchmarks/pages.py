"""Timings as pages of Markdown."""

import pandas as pd

from mnist_vae.pages.page import page as markdown_page


def ratios_page(title: str, table: pd.DataFrame, rounds: int, note: str = "") -> str:
    """A table of `alternation.hold` with the columns of `machine`, in Markdown."""
    rows = pd.DataFrame(
        {
            "contest": table.contest.mask(table.contest.duplicated(), ""),
            "contender": table.contender,
            "ms": table.ms_a_unit.map("{:.3g}".format),
            "the first's time to this one's": [
                f"{row.ratio:.2f} ({row.lowest:.2f} to {row.highest:.2f})" for row in table.itertuples()
            ],
        }
    )
    how = (
        f"Medians of {rounds} rounds in which the contenders take turns, in brackets the range over rounds. "
        f"Below 1 the first is faster.{note}"
    )
    return page(title, rows, how, table)


def page(title: str, readable: pd.DataFrame, how: str, table: pd.DataFrame) -> str:
    """A readable table, how to read it, and what `table`, with the columns of `machine`, was measured on."""
    row = table.iloc[0]
    return markdown_page(
        title,
        str(readable.to_markdown(index=False, disable_numparse=True)),
        f"{how} On {row.processor}, {row.cores} core(s), {row.threads} thread(s) each; {row.versions}; "
        f"NumPy's products by {row.blas}.",
    )
