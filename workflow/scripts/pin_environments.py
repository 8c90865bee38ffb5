"""Pin the packages of the rules' conda environments to the lock's versions: `make lock` calls it."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
PIN = re.compile(r"^( +- )([\w-]+)==\S+$", re.MULTILINE)


def pins() -> dict[str, str]:
    """Each package's version: from the lock and, for optional extras, from pyproject.toml."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    lines = [*(ROOT / "requirements.lock").read_text().splitlines(), *extras["julia"], *extras["benchmarks"]]
    lines += extras["inference"]
    return {name.lower(): version for name, _, version in (line.partition("==") for line in lines) if version}


if __name__ == "__main__":
    locked = pins()
    for path in sorted((ROOT / "envs").glob("*.yaml")):
        text = path.read_text()
        path.write_text(PIN.sub(lambda pin: f"{pin[1]}{pin[2]}=={locked[pin[2].lower()]}", text))
