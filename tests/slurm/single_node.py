"""Slurm on this machine: munged, slurmctld and slurmd, started in a temporary folder.

As a script it starts Slurm, runs one command and stops Slurm:

    python tests/slurm/single_node.py sinfo
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scancel", "sinfo")
PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin"])  # Debian's daemons lie there
CONFIGURATION = """
ClusterName=single
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={daemon_port}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SchedulerParameters=defer,sched_interval=1
KillWait=1
ReturnToService=2
# The node is said to be larger than it may be: what is tried here is what jobs ask for, not what they use.
SlurmdParameters=config_overrides
NodeName={host} NodeAddr=127.0.0.1 CPUs=32 RealMemory=64000
PartitionName=all Nodes={host} Default=YES MaxTime=INFINITE
"""


def why_not() -> str | None:
    """Say why Slurm cannot be started here, and what would help."""
    missing = [program for program in PROGRAMS if shutil.which(program, path=PATH) is None]
    if missing:
        return f"no {', '.join(missing)}: apt-get install slurm-wlm munge"
    if os.geteuid() != 0:
        return "Slurm's daemons need root: sudo .venv/bin/pytest -m slurm"
    return None


@contextmanager
def single_node() -> Iterator[dict[str, str]]:
    """Start Slurm; yield the environment in which its commands find it; stop it and remove its folder."""
    with tempfile.TemporaryDirectory(prefix="slurm-") as name, ExitStack() as stack:
        folder = Path(name)
        folder.chmod(0o755)  # munge wants its socket's folder open to all
        _write_configuration(folder)
        _write_srun(folder)
        environment = os.environ | {
            "SLURM_CONF": str(folder / "slurm.conf"),
            "PATH": os.pathsep.join([str(folder / "bin"), PATH]),
        }
        _start(stack, folder, environment, "munged", "--foreground", *_munge_options(folder))
        _wait_until((folder / "munge.socket").exists, folder)
        _start(stack, folder, environment, "slurmctld", "-D", "-i")
        _start(stack, folder, environment, "slurmd", "-D")
        _wait_until(lambda: answer(environment, "sinfo", "-h", "-o", "%T") == "idle", folder)
        stack.callback(_cancel_all_jobs, environment, folder)
        yield environment


def _write_configuration(folder: Path) -> None:
    (folder / "state").mkdir()
    (folder / "spool").mkdir()
    key = folder / "munge.key"
    key.write_bytes(os.urandom(128))
    key.chmod(0o400)
    controller_port, daemon_port = _free_ports(2)
    (folder / "slurm.conf").write_text(
        CONFIGURATION.format(
            host=socket.gethostname().split(".")[0],
            folder=folder,
            controller_port=controller_port,
            daemon_port=daemon_port,
        )
    )


def _write_srun(folder: Path) -> None:
    """Write an srun that finds this Slurm: the plugin clears SLURM_CONF before it calls srun in a job."""
    srun = folder / "bin/srun"
    srun.parent.mkdir()
    srun.write_text(
        f'#!/bin/sh\nSLURM_CONF={folder}/slurm.conf exec {shutil.which("srun", path=PATH)} "$@"\n'
    )
    srun.chmod(0o755)


def _munge_options(folder: Path) -> list[str]:
    places = {
        "key-file": "key",
        "socket": "socket",
        "pid-file": "pid",
        "log-file": "log",
        "seed-file": "seed",
    }
    return [f"--{option}={folder}/munge.{suffix}" for option, suffix in places.items()]


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def _start(stack: ExitStack, folder: Path, environment: dict[str, str], program: str, *options: str) -> None:
    """Start a daemon that writes its output into the folder, and have the stack stop it."""
    log = stack.enter_context((folder / f"{program}.out").open("w"))
    path = shutil.which(program, path=PATH)
    daemon = subprocess.Popen([path, *options], stdout=log, stderr=log, env=environment)
    stack.callback(_stop, daemon)


def _stop(daemon: subprocess.Popen) -> None:
    daemon.terminate()
    try:
        daemon.wait(timeout=10)
    except subprocess.TimeoutExpired:
        daemon.kill()
        daemon.wait()


def _cancel_all_jobs(environment: dict[str, str], folder: Path) -> None:
    """Cancel running jobs, so that none outlives its daemons."""
    jobs = answer(environment, "squeue", "-h", "-t", "all", "-o", "%A %T").splitlines()
    active = [job.split()[0] for job in jobs if job.split()[1] in ("PENDING", "RUNNING", "COMPLETING")]
    if active:
        subprocess.run(["scancel", *active], env=environment, check=False)
        _wait_until(lambda: answer(environment, "squeue", "-h") == "", folder)


def answer(environment: dict[str, str], *command: str) -> str:
    """What a command of Slurm prints."""
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return result.stdout.strip()


def _wait_until(condition: Callable[[], bool], folder: Path, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            told = "".join(f"\n{log.name}:\n{log.read_text()}" for log in sorted(folder.glob("*.out")))
            raise TimeoutError(f"Slurm did not answer within {seconds} s{told}")
        time.sleep(0.2)


if __name__ == "__main__":
    reason = why_not()
    if reason:
        sys.exit(reason)
    with single_node() as surroundings:
        sys.exit(subprocess.run(sys.argv[1:], env=surroundings).returncode)
