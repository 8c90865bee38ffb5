"""The difference between results, in numbers and in words."""

from collections.abc import Mapping

import numpy as np

from mnist_vae.check.inputs import HIDDEN
from mnist_vae.check.reference import Array

TOLERANCE = 3e-5  # relative, and absolute below 1: what float32 leaves of a sum over 784 pixels
SHOWN = 3  # number of inputs shown of an unexplained difference


def deviation(found: Array, right: Array) -> float:
    """Largest deviation: relative, and absolute below 1. Infinite if shapes or non-finite values differ.

    Axes of length 1 do not count.
    """
    found, right = np.squeeze(found), np.squeeze(right)
    if found.shape != right.shape:
        return np.inf
    scale = np.abs(right[np.isfinite(right)]).max(initial=0.0)
    equal = (found == right) | (np.isnan(found) & np.isnan(right))
    with np.errstate(invalid="ignore", divide="ignore"):
        each = np.where(equal, 0.0, np.abs(found - right) / (min(1.0, scale) + np.abs(right)))
    return float(np.nan_to_num(each, nan=np.inf, posinf=np.inf).max(initial=0.0))


def agree(found: Array, right: Array) -> bool:
    """Whether two results are equal, up to rounding and axes of length 1."""
    return deviation(found, right) <= TOLERANCE


def effect_of(found: Array, right: Array, loose: bool = False) -> str:
    """How a result differs from the right one, in a few words."""
    found, right = np.squeeze(found), np.squeeze(right)
    if found.shape != right.shape:
        return f"has shape {found.shape}, not {right.shape}, as"
    if not np.isfinite(found).all():
        return "is not finite, as"
    tolerance = 1e-2 if loose else 1e-3
    if (right != 0).all():
        ratio = found / right
        if np.ptp(ratio) <= tolerance * np.abs(ratio).mean() and abs(ratio.mean() - 1) > 0.02:
            times = f"{ratio.mean():.2f}" if abs(ratio.mean()) >= 0.1 else f"{ratio.mean():.2g}"
            return f"is {times} times what it should be, as"
    shift = found - right
    if np.ptp(shift) <= tolerance * np.abs(shift).mean():
        return f"is {abs(shift.mean()):.4g} too {'high' if shift.mean() > 0 else 'low'}, as"
    return f"is off by up to {np.abs(shift).max():.3g}, as"


def difference(found: Array, right: Array, arguments: Mapping[str, Array]) -> str:
    """Say what differs, and on which inputs, those of the smallest size first."""
    found, right = np.squeeze(found), np.squeeze(right)
    if found.shape != right.shape:
        return f"gives shape {found.shape} where {right.shape} is asked for, in (batch, features)"
    effect = effect_of(found, right).removesuffix(", as")
    if found.ndim == 0 or not arguments:
        return f"{effect}: {np.ravel(found)[0]:.6g}, not {np.ravel(right)[0]:.6g}"
    rows_found, rows_right = (array.reshape(len(array), -1) for array in (found, right))
    wrong = [row for row in range(len(found)) if not agree(rows_found[row], rows_right[row])]
    name, argument = next(iter(arguments.items()))
    by_size = sorted(
        wrong, key=lambda row: float(np.abs(argument[row]).sum()) if len(argument) == len(found) else row
    )
    shown = []
    for row in by_size[:SHOWN]:
        place = int(np.argmax(np.abs(np.nan_to_num(rows_found[row] - rows_right[row], nan=np.inf))))
        inputs = (
            f"{name} = ({', '.join(f'{value:.3g}' for value in argument[row])})"
            if argument.ndim == 2 and argument.shape[1] <= HIDDEN
            else f"{name}[{row}]"
        )
        shown.append(f"at {inputs}: {rows_found[row, place]:.6g}, not {rows_right[row, place]:.6g}")
    return f"{effect}, on {len(wrong)} of {len(found)} inputs; {'; '.join(shown)}"
