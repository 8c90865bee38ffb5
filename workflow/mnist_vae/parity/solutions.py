"""Solutions of the assignment as further tiers of the ladder."""

from collections.abc import Mapping
from typing import Any

from mnist_vae.check.compare import TOLERANCE
from mnist_vae.check.contract import BERNOULLI, BY_NAME, GAUSSIAN
from mnist_vae.check.judge import Report

COLUMNS = ("rung", "quantity", "tier", "backend", "dtype", "max_rel", "tolerance", "pass")
ALONE = 7  # the rung of functions that only solutions have
RUNGS: Mapping[str, int] = {
    GAUSSIAN: 1,
    BERNOULLI: 1,
    "log_prior": 2,
    "log_likelihood": 2,
    "joint_log_density": 2,
    "log_q": 2,
    "top_half_log_likelihood": 2,
    "top_half_joint": 2,
    "decoder": 3,
    "encoder": 3,
    "elbo": 4,
    "loss": 4,
    "test_loss": 4,
    "top_half_elbo": 4,
}


def ladder_rows(report: Report) -> list[dict[str, Any]]:
    """One row per function that was judged, or a failed one if the file could not be loaded.

    `max_rel` and `tolerance` are empty unless numbers were compared.
    """
    solution = {"tier": report.name, "backend": report.framework or report.language, "dtype": report.dtype}
    if report.trouble:
        return [solution | {"rung": ALONE, "quantity": "the file", "dtype": "float64", "pass": False}]
    return [
        solution
        | {
            "rung": RUNGS.get(verdict.function, ALONE),
            "quantity": verdict.function,
            "max_rel": verdict.deviation,
            "tolerance": None if verdict.deviation is None else TOLERANCE,
            "pass": verdict.status == "right",
        }
        for verdict in report.verdicts
        if verdict.function in BY_NAME and verdict.status not in ("absent", "unjudged")
    ]
