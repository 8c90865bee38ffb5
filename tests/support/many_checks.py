"""Check a right solution that draws its own noise, with one seed after another.

In tests/: `PYTHONPATH=../workflow python -m support.many_checks 1000`. It prints what failed and how many;
the exit status is 0 only if none did.
"""

import sys
import tempfile
from pathlib import Path

from mnist_vae.check.judge import check
from mnist_vae.check.process import Host
from mnist_vae.check.session import Options
from support.project import REFERENCE

SAMPLER = "z = sample_diag_gaussian(q_mean, q_log_std)"
OWN_NOISE = "z = q_mean + q_log_std.exp() * torch.randn_like(q_mean)"
# The process holds one solution after another; each finds the number of the last.
SEED = "import builtins\nbuiltins.seed = getattr(builtins, 'seed', 0) + 1\ntorch.manual_seed(builtins.seed)\n"


def with_own_noise(text: str) -> str:
    """The PyTorch solution with bounds that draw their own noise, which no judge can replace."""
    assert SAMPLER in text
    return text.replace(SAMPLER, OWN_NOISE)


def failures(runs: int, say=lambda line: None) -> int:
    """The number of runs that found a mistake in a right solution."""
    text = with_own_noise((REFERENCE / "solution.py").read_text(encoding="utf-8"))
    for there, instead in (
        ("draws=50", "draws=1 + builtins.seed % 10"),  # from one to ten: the number is the solution's own
        ("import torch\n", f"import torch\n{SEED}"),
    ):
        assert there in text
        text = text.replace(there, instead)
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "solution.py"
        path.write_text(text, encoding="utf-8")
        with Host(path, None, 600.0) as host:
            for seed in range(1, runs + 1):
                report = check(path, Options(seconds=600.0), host)
                wrong = [f"{v.function}: {v.sentence}" for v in report.verdicts if v.status != "right"]
                if report.trouble or wrong:
                    failed += 1
                    say(f"seed {seed}: {report.trouble or wrong}")
                if seed % 50 == 0:
                    say(f"{seed} runs, {failed} failed")
    return failed


if __name__ == "__main__":
    sys.exit(bool(failures(int(sys.argv[1]), lambda line: print(line, flush=True))))
