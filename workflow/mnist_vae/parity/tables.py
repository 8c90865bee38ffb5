"""The ladder, to be read by people."""

from collections.abc import Sequence

import pandas as pd

RUNGS = {
    1: "log-densities, elementwise",
    2: "log-densities of images and latents",
    3: "networks, forward",
    4: "ELBO, loss, SVI objective",
    5: "gradients of the loss",
    6: "Adam: one step, a trajectory",
}


def summary(ladder: pd.DataFrame) -> pd.DataFrame:
    """One row a rung, precision, tier and tolerance: its checks, and the largest deviation among them."""
    by = ["rung", "dtype", "tier", "tolerance"]
    rows = ladder.groupby(by, sort=False, as_index=False).agg(
        checks=("quantity", "size"), max_rel=("max_rel", "max"), passed=("pass", "sum")
    )
    rows.insert(1, "what", rows.rung.map(RUNGS))
    return rows


def verdict(ladder: pd.DataFrame) -> str:
    """One sentence: that all checks pass, or at which rung the first one fails, and which these are."""
    julia = f"Julia {ladder.julia_version.iloc[0]} ({ladder.backend.iloc[0]})"
    failed = ladder[~ladder["pass"]]
    if failed.empty:
        return f"All {len(ladder)} checks against {julia} pass."
    first = failed.rung.min()
    names = "; ".join(
        f"{row.quantity} ({row.tier}, {row.dtype}): {row.max_rel:.2g}, tolerance {row.tolerance:g}"
        for row in failed[failed.rung == first].itertuples()
    )
    return (
        f"{len(failed)} of {len(ladder)} checks against {julia} fail, first at rung {first}, "
        f"{RUNGS[first]}: {names}."
    )


def ladder_markdown(ladder: pd.DataFrame, model: str, tried: Sequence[str] = ()) -> str:
    """The ladder as a page: the verdict, what was tried in vain, a row a rung, every check."""
    tiers = "core and Flux" if "flux" in set(ladder.tier) else "core (standard library only)"
    return "\n".join(
        [
            "# Parity with the Julia reference",
            "",
            verdict(ladder),
            "",
            f"Tiers of the reference: {tiers}. Weights and images: {model}.",
            "",
            *(
                [f"Tried before, in vain: {'; '.join(line.partition(chr(10))[0] for line in tried)}.", ""]
                if tried
                else []
            ),
            _markdown(summary(ladder)),
            "",
            "Deviations are relative, the largest of each check. Rungs 1, 2 and 4: of each element. Rungs 3, "
            "5 and 6: largest deviation over largest magnitude of the array, since elements that cancel to "
            "nearly zero have no relative accuracy of their own.",
            "",
            "## Every check",
            "",
            _markdown(ladder.drop(columns=["backend", "julia_version"])),
            "",
        ]
    )


def _markdown(table: pd.DataFrame) -> str:
    numbers = {name: table[name].map("{:.1e}".format) for name in ("max_abs", "max_rel") if name in table}
    tolerance = table.tolerance.map("{:.0e}".format)
    return table.assign(**numbers, tolerance=tolerance).to_markdown(index=False, disable_numparse=True)
