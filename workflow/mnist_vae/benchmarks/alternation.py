"""Timing contenders for the same work in turns."""

import time
from collections.abc import Callable, Mapping

import pandas as pd


def hold(contests: Mapping[str, Mapping[str, Callable[[], int]]], rounds: int) -> pd.DataFrame:
    """One row per contender: contest, contender, and its `ratios` to the first contender of the contest."""
    tables = [
        ratios(take_turns(contenders, rounds), of=next(iter(contenders))).assign(contest=contest)
        for contest, contenders in contests.items()
    ]
    table = pd.concat(tables).rename_axis("contender").reset_index()
    return table[["contest", "contender", "ms_a_unit", "ratio", "lowest", "highest"]]


def take_turns(contenders: Mapping[str, Callable[[], int]], rounds: int, warm_ups: int = 1) -> pd.DataFrame:
    """Time each contender once a round, after rounds that warm up: columns round, contender, ms_a_unit.

    A contender does its work and returns the number of units (steps, images). They take turns so that other
    load on the machine affects all alike; compare within a round.
    """
    rows = []
    for turn in range(1 - warm_ups, rounds + 1):
        for name, work in contenders.items():
            start = time.perf_counter()
            units = work()
            rows.append((turn, name, 1e3 * (time.perf_counter() - start) / units))
    timings = pd.DataFrame(rows, columns=["round", "contender", "ms_a_unit"])
    return timings[timings["round"] > 0].reset_index(drop=True)


def ratios(timings: pd.DataFrame, of: str) -> pd.DataFrame:
    """One row per contender: median ms_a_unit, and median and range of `of`'s time to its own over rounds."""
    wide = timings.pivot(index="round", columns="contender", values="ms_a_unit")
    ratio = pd.DataFrame({name: wide[of] / wide[name] for name in wide})
    return pd.DataFrame(
        {"ms_a_unit": wide.median(), "ratio": ratio.median(), "lowest": ratio.min(), "highest": ratio.max()}
    ).loc[list(dict.fromkeys(timings.contender))]
