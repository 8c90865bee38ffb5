"""A virtual environment for a copy of the project, which borrows the running one's packages."""

import subprocess
import sys
import sysconfig
from pathlib import Path

# As pip writes it: a path with spaces cannot stand behind #!.
SCRIPT = """#!/bin/sh
'''exec' "{python}" "$0" "$@"
' '''
"""


def make_environment(folder: Path) -> None:
    """Make folder/.venv as `make` does, but without installing anything, which would take minutes.

    Its scripts start its own Python, which finds the copy's mnist_vae before any other.
    """
    environment = folder.resolve() / ".venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    (packages,) = environment.glob("lib/python*/site-packages")
    (packages / "__editable__.mnist_vae.pth").write_text(f"{folder.resolve() / 'workflow'}\n")
    lent = sysconfig.get_path("purelib")
    (packages / "lent.pth").write_text(f"import site; site.addsitedir({lent!r})\n")
    python = environment / "bin/python"
    for script in Path(sysconfig.get_path("scripts")).iterdir():
        copy = environment / "bin" / script.name
        if (
            copy.exists()
            or script.is_dir()
            or script.name.startswith(("python", "pip", "activate", "Activate"))
        ):
            continue
        first, _, rest = script.read_bytes().partition(b"\n")
        if first.startswith(b"#!") and b"python" in first:
            copy.write_bytes(SCRIPT.format(python=python).encode() + rest)
            copy.chmod(0o755)
        elif not first.startswith(b"#!"):
            copy.symlink_to(script)
    version = subprocess.run([python, "--version"], capture_output=True, text=True, check=True).stdout
    (environment / ".installed").write_text(f"{folder.resolve()} {version}")
    (environment / ".installed-dev").touch()
