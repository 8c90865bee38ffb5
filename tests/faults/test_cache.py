"""Snakemake's cache between workflows: a second clone trains nothing, and a damaged entry is noticed."""

import json
from pathlib import Path

from support.small_project import RESULTS, SmallProject, finish

TARGETS = [f"{RESULTS}/tables/metrics.csv"]
WEIGHTS = f"{RESULTS}/models/reference/n120/seed1/weights.safetensors"
METRICS = f"{RESULTS}/models/reference/n120/seed1/metrics.csv"


def computed(project):
    """What was computed and not taken from the cache, for any model, according to the record."""
    lines = (project.folder / "results/record.jsonl").read_text().splitlines()
    return {Path(json.loads(line)["path"]).name for line in lines if "/models/" in line}


def test_a_second_clone_trains_nothing_and_a_spoilt_entry_is_noticed(tmp_path):
    cache = tmp_path / "cache"
    shared = {"SNAKEMAKE_OUTPUT_CACHE": str(cache)}
    first, second = (SmallProject(tmp_path / name) for name in ("first", "second"))
    finish(first, "--cache", "--", *TARGETS, **shared)
    finish(second, "--cache", "--", *TARGETS, **shared)
    assert {"weights.safetensors", "epochs.csv", "metrics.csv"} <= computed(first)
    assert computed(second) == set()
    assert second.made() == first.made()

    # Of the reference's weights one bit is flipped; what reads them next says so, and the way out.
    entry = (second.folder / WEIGHTS).resolve()
    assert cache in entry.parents
    content = bytearray(entry.read_bytes())
    content[len(content) // 2] ^= 1
    entry.write_bytes(content)
    (second.folder / METRICS).resolve().unlink()
    (second.folder / METRICS).unlink()
    result = second.snakemake("--cache", "--", METRICS, **shared)
    assert result.returncode != 0
    assert "weights.safetensors is damaged" in result.stdout + result.stderr
    assert f"Delete it and {entry}, and run again" in result.stdout + result.stderr
    entry.unlink()
    (second.folder / WEIGHTS).unlink()
    finish(second, "--cache", "--", METRICS, **shared)
    assert second.made() == first.made()
