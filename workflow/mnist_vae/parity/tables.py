"""The ladder as people read it."""

from collections.abc import Sequence

import pandas as pd

from mnist_vae.pages.page import page

RUNGS = {
    1: "log-densities, elementwise",
    2: "log-densities of images and latents",
    3: "networks, forward",
    4: "ELBO, loss, SVI objective",
    5: "gradients of the loss",
    6: "Adam: one step, a trajectory",
    7: "data, draws, training, pictures (of solutions)",
}
COLUMNS = ("rung", "quantity", "dtype", "tier", "tolerance", "max_rel", "pass")  # of a ladder
TIERS = ("core", "flux")  # the reference's; every other is a solution of the assignment


def with_solutions(ladder: pd.DataFrame, solutions: pd.DataFrame) -> pd.DataFrame:
    """The ladder with the rows of `check_solutions` on their rungs, below the reference's own."""
    together = pd.concat([ladder, solutions]) if len(solutions) else ladder
    return together.sort_values("rung", kind="stable", ignore_index=True)


def summary(ladder: pd.DataFrame) -> pd.DataFrame:
    """One row per rung, precision, tier and tolerance: its checks, and their largest deviation."""
    by = ["rung", "dtype", "tier", "tolerance"]
    rows = ladder.groupby(by, sort=False, as_index=False, dropna=False).agg(
        checks=("quantity", "size"), max_rel=("max_rel", "max"), passed=("pass", "sum")
    )
    rows.insert(1, "what", rows.rung.map(RUNGS))
    return rows


def verdict(ladder: pd.DataFrame) -> str:
    """Whether the reference's checks and the solutions' pass, and which fail."""
    reference = ladder.tier.isin(TIERS)
    return " ".join(
        filter(None, (reference_verdict(ladder[reference]), solutions_verdict(ladder[~reference])))
    )


def solutions_verdict(rows: pd.DataFrame) -> str:
    """Which functions of which solutions are wrong; empty if there are no solutions."""
    names = ", ".join(dict.fromkeys(rows.tier))
    wrong = "; ".join(f"{row.quantity} ({row.tier})" for row in rows[~rows["pass"].astype(bool)].itertuples())
    if wrong:
        return f"Of the solutions, {wrong} fail: results/parity/logs/check_solutions.log says why."
    return f"All {len(rows)} functions of {names} pass." if names else ""


def reference_verdict(ladder: pd.DataFrame) -> str:
    """Whether all checks pass; if not, the first rung with failed checks, and which these are."""
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
    """The ladder as a page: the verdict, backends that failed, a summary by rung, every check."""
    tiers = "core and Flux" if "flux" in set(ladder.tier) else "core (standard library only)"
    failures = "; ".join(line.partition("\n")[0] for line in tried)
    return page(
        "Parity with the Julia reference",
        verdict(ladder),
        f"Tiers of the reference: {tiers}. Weights and images: {model}.",
        f"Tried before, without success: {failures}." if tried else "",
        _markdown(summary(ladder)),
        "Deviations are relative, the largest of each check. Rungs 1, 2 and 4: of each element. Rungs 3, "
        "5 and 6: largest deviation over largest magnitude of the array, since elements that cancel to "
        "nearly zero have no relative accuracy of their own. Solutions: of each element, absolute below "
        "1, at the inputs of `mnist-vae check`; empty where shapes, draws or batches are judged.",
        "## Every check",
        _markdown(ladder.drop(columns=["backend", "julia_version"])),
    )


def _markdown(table: pd.DataFrame) -> str:
    formats = {"max_abs": "{:.1e}", "max_rel": "{:.1e}", "tolerance": "{:.0e}"}
    numbers = {
        name: table[name].map(form.format, na_action="ignore")
        for name, form in formats.items()
        if name in table
    }
    return str(table.assign(**numbers).fillna("").to_markdown(index=False, disable_numparse=True))
