"""Check a right solution that draws its own noise, with one seed after another: `python -m support.many_checks 1000`.

Run in tests/. It prints what failed, and how many did; the exit status is 0 only if none did.
"""

import sys
import tempfile
from pathlib import Path

from mnist_vae.check.judge import Options, check
from mnist_vae.check.process import Host
from support.project import REFERENCE

SAMPLER = "z = sample_diag_gaussian(q_mean, q_log_std)"
OWN_NOISE = "z = q_mean + q_log_std.exp() * torch.randn_like(q_mean)"
# The process holds one solution after another; each finds the number of the last.
SEED = "import builtins\nbuiltins.seed = getattr(builtins, 'seed', 0) + 1\ntorch.manual_seed(builtins.seed)\n"


def main(runs: int) -> int:
    """Count failures."""
    text = (REFERENCE / "solution.py").read_text(encoding="utf-8")
    for there, instead in (
        (SAMPLER, OWN_NOISE),
        ("draws=50", "draws=1 + builtins.seed % 10"),  # from one to ten: the number is the solution's own
        ("import torch\n", f"import torch\n{SEED}"),
    ):
        assert there in text
        text = text.replace(there, instead)
    failures = 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "solution.py"
        path.write_text(text, encoding="utf-8")
        with Host(path, None, 600.0) as host:
            for seed in range(1, runs + 1):
                report = check(path, Options(seconds=600.0), host)
                wrong = [f"{v.function}: {v.sentence}" for v in report.verdicts if v.status != "right"]
                if report.trouble or wrong:
                    failures += 1
                    print(f"seed {seed}: {report.trouble or wrong}", flush=True)
                if seed % 50 == 0:
                    print(f"{seed} runs, {failures} failed", flush=True)
    return failures


if __name__ == "__main__":
    sys.exit(bool(main(int(sys.argv[1]))))
