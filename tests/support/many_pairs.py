"""Put two mistakes into a right solution, one in a function that the other's function is made of.

In tests/: `PYTHONPATH=../workflow python -m support.many_pairs 200`, of so many pairs, or of all. It
prints each pair of which one is not named, and how many mistakes are named, or wrong without a name. The exit
status is 0 only if at least 95 % of the pairs are wrong in both of their functions.
"""

import random
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from mnist_vae.check.contract import BY_NAME, FUNCTIONS, used_by
from mnist_vae.check.judge import Report, check
from mnist_vae.check.process import Host
from mnist_vae.check.session import Options
from support.project import REFERENCE
from unit.check.variants import VARIANTS

RIGHT = REFERENCE / "solution.py"
NETWORKS = {"decoder", "encoder"}
LEAST = 0.95


def pairs() -> Iterator[tuple[str, str, str]]:
    """Mistake above, mistake below, and the solution with both, where both edits fit into it."""
    text = RIGHT.read_text(encoding="utf-8")
    for above, (function, (there, instead), _) in VARIANTS.items():
        for below, (function_below, (there_below, instead_below), _) in VARIANTS.items():
            if function_below in used_by(BY_NAME[function]):
                with_one = text.replace(there, instead)
                if with_one.count(there_below) == 1:
                    yield above, below, with_one.replace(there_below, instead_below)


def outcome(report: Report, mistake: str) -> str:
    """What was said of a mistake: "named", "wrong", or that its function was passed."""
    function = VARIANTS[mistake][0]
    (verdict,) = (verdict for verdict in report.verdicts if verdict.function == function)
    if mistake in verdict.mistakes:
        return "named"
    return "wrong" if verdict.is_wrong else verdict.status


def main(count: int | None = None) -> bool:
    """Check the pairs, and say whether enough of them are wrong in both places."""
    chosen = list(pairs())
    random.Random(0).shuffle(chosen)
    chosen = chosen[:count]
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        for number, (_, _, text) in enumerate(chosen):
            (Path(folder) / f"pair_{number}.py").write_text(text, encoding="utf-8")
        with Host(Path(folder) / "pair_0.py", None, 600.0) as host:
            for number, (above, below, _) in enumerate(chosen):
                functions = {VARIANTS[above][0], VARIANTS[below][0]}
                asked = functions.union(NETWORKS, *(used_by(BY_NAME[name]) for name in functions))
                left_out = {f.name: "not_asked_for" for f in FUNCTIONS if f.name not in asked | {"loss"}}
                path = Path(folder) / f"pair_{number}.py"
                report = check(path, Options(seconds=600.0, names=left_out, dtype="float32"), host)
                found = outcome(report, above), outcome(report, below)
                counts[" above ".join(found)] += 1
                counts["wrong in both places"] += {*found} <= {"named", "wrong"}
                if found != ("named", "named"):
                    print(f"{above} above {below}: {' above '.join(found)}", flush=True)
                if number % 50 == 49 or number + 1 == len(chosen):
                    print(f"{number + 1} of {len(chosen)} pairs: {dict(counts)}", flush=True)
    return counts["wrong in both places"] >= LEAST * len(chosen)


if __name__ == "__main__":
    sys.exit(not main(*map(int, sys.argv[1:2])))
