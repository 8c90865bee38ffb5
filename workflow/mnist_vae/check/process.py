"""A process for somebody's code: asked over one pipe, answering over another, bounded, and ended in any case.

Requests and replies are lines of words between tabs, and arrays: a line with kind (f4, f8) and shape, then
the bytes, in the order of the process's language. host.py and host.jl are the other side.

With bubblewrap the process sees the interpreter, a copy of the solution's folder, and nothing else: no
network, no home, and nothing to write to but a small folder in memory. Without it, it has the user's rights.
"""

import contextlib
import os
import resource
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np

from mnist_vae.errors import InputError

SUFFIXES = (".py", ".jl")
HERE = Path(__file__).parent
GIB = 2**30
ADDRESS_SPACE = {"python": 16 * GIB, "julia": 32 * GIB}  # reserved, not used: both reserve much
MEMORY = {"python": 4 * GIB, "julia": 6 * GIB}
MEMORY_FOLDER = 64 * 2**20  # what a sandboxed solution may write, in all
LARGEST_FILE = 64 * 2**20
CPU_SECONDS = 900
PROCESSES = 64
STEP = 0.05  # seconds between looks at the processes
COPIED = 5 * 2**20  # a file beside the solution that is larger stays behind
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc/alternatives", "/etc/localtime")
LINKER = ("/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d")
LIBRARY = HERE.parents[1]


class SolutionError(Exception):
    """What a call of a solution came to instead of an answer, in one sentence. The process still serves."""


class ProcessOverError(SolutionError):
    """The process is over: it crashed, or was ended, as the sentence says."""


@cache
def bubblewrap() -> str | None:
    """The sandbox's program, if it is there and allowed to work."""
    program = shutil.which("bwrap")
    if program is None:
        return None
    trial = [program, "--ro-bind", "/", "/", "--unshare-all", "true"]
    return program if subprocess.run(trial, capture_output=True).returncode == 0 else None


class Host:
    """One process with one language's host script; `load` gives it a solution."""

    def __init__(self, solution: Path, julia: str | None, seconds: float, alone: bool = False) -> None:
        """Start. `seconds` is the time of each call; `alone` leaves the solution's neighbours behind."""
        self.language = "julia" if solution.suffix == ".jl" else "python"
        self.order: Literal["C", "F"] = "F" if self.language == "julia" else "C"
        self.seconds = seconds
        self.name = solution.name
        self.folder = Path(tempfile.mkdtemp(prefix="check-"))
        self.folder.chmod(0o755)
        copy_folder(solution, self.folder / "solution", alone)
        requests, self._requests = os.pipe()
        self._replies, replies = os.pipe()
        self._buffer = b""
        self._next_look = 0.0
        self._printed = open(self.folder / "printed", "w+b")  # noqa: SIM115 (as long as the process)
        try:
            self.process = subprocess.Popen(
                self._command(julia, requests, replies),
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=self._printed,
                stderr=self._printed,
                pass_fds=(requests, replies),
                preexec_fn=self._limit,
                start_new_session=True,
                cwd=self.folder,
            )
        finally:
            os.close(requests)
            os.close(replies)

    # --- the process ---------------------------------------------------------------------------------------

    def _command(self, julia: str | None, requests: int, replies: int) -> list[str]:
        inside = bubblewrap()
        work = "/tmp/work" if inside else str(self.folder / "work")
        words = [str(requests), str(replies), str(self.folder / "solution"), work]
        script = shutil.copy(HERE / ("host.jl" if self.language == "julia" else "host.py"), self.folder)
        if self.language == "julia":
            assert julia is not None
            command = [str(Path(julia).resolve()), "--startup-file=no", "-O1", str(script), *words]
            seen = julia_folders(julia)
        else:
            command = [sys.executable, "-I", str(script), *words]
            seen = python_folders()
        if not inside:
            return command
        options = ["--unshare-all", "--die-with-parent", "--new-session", "--dev", "/dev", "--proc", "/proc"]
        options += ["--size", str(MEMORY_FOLDER), "--tmpfs", "/tmp"]
        for path in dict.fromkeys([*SYSTEM, *LINKER, *seen, str(self.folder / "solution"), str(script)]):
            options += ["--ro-bind-try", path, path]
        return [inside, *options, "--chdir", "/tmp", "--", *command]

    def _environment(self) -> dict[str, str]:
        kept = ("PATH", "LANG", "LC_ALL", "JULIA_PROJECT", "JULIA_LOAD_PATH", "LD_LIBRARY_PATH")
        home = "/tmp" if bubblewrap() else str(self.folder)
        depots = os.environ.get("JULIA_DEPOT_PATH") or os.path.expanduser("~/.julia")
        return {name: os.environ[name] for name in kept if name in os.environ} | {
            "HOME": home,
            "USER": "student",
            "TMPDIR": home,
            "MPLBACKEND": "Agg",  # a plot is no window
            "GKSwstype": "nul",
            "OMP_NUM_THREADS": "1",
            "JULIA_NUM_THREADS": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "CUDA_VISIBLE_DEVICES": "",
            "JAX_DISABLE_JIT": "1",  # compiled functions keep the networks that they read first
            "JULIA_DEPOT_PATH": os.pathsep.join([f"{home}/depot", depots]),
        }

    def _limit(self) -> None:
        limits = {
            resource.RLIMIT_AS: ADDRESS_SPACE[self.language],
            resource.RLIMIT_DATA: MEMORY[self.language],
            resource.RLIMIT_CPU: CPU_SECONDS,
            resource.RLIMIT_FSIZE: LARGEST_FILE,
            resource.RLIMIT_CORE: 0,
            resource.RLIMIT_NPROC: own_threads() + 4 * PROCESSES,
        }
        for kind, limit in limits.items():
            hard = resource.getrlimit(kind)[1]
            value = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
            with contextlib.suppress(ValueError, OSError):
                resource.setrlimit(kind, (value, value))

    def close(self) -> None:
        """End the process, and all that it started."""
        end_session(self.process.pid)
        self.process.wait()
        for descriptor in (self._requests, self._replies):
            with contextlib.suppress(OSError):
                os.close(descriptor)
        self._printed.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> "Host":
        """Serve."""
        return self

    def __exit__(self, *error: object) -> None:
        """End."""
        self.close()

    # --- requests ------------------------------------------------------------------------------------------

    def load(self, names: Mapping[str, str], holder: str = "", file: str = "") -> list[str]:
        """Let it run the file; the framework's name, and of the contract's names those that it defines.

        `names` are words in the solution, several between |, by the contract's names.
        """
        pairs = [f"{name}={word}" for name, word in names.items()]
        path = f"{'/tmp/work' if bubblewrap() else self.folder / 'work'}/{file or self.name}"
        return self._ask(["load", path, holder, *pairs], [], self.seconds + 60 * (self.language == "julia"))[
            1:
        ]

    def know(
        self,
        layout: str,
        form: str,
        decoder: Sequence[np.ndarray],
        encoder: Sequence[np.ndarray],
        noises: Sequence[np.ndarray],
    ) -> None:
        """Put known networks, and known noise, in the place of those that the solution reads as globals."""
        self._ask(["know", layout, form], [*decoder, *encoder, len(noises), *noises])

    def call(
        self, name: str, arguments: Sequence[np.ndarray], repeats: int = 1, own: bool = False
    ) -> tuple[list[np.ndarray], dict[str, int]]:
        """Call a function: its results, stacked if repeated, and how often it read each known thing."""
        words = self._ask(["own" if own else "call", name, str(repeats), str(len(arguments))], arguments)
        calls = dict(word.split("=") for word in words[2:])
        return self._arrays(int(words[1])), {key: int(count) for key, count in calls.items()}

    def train(
        self, name: str, epochs: int, train: np.ndarray, test: np.ndarray, marks: np.ndarray
    ) -> list[np.ndarray]:
        """Let it train; `marks` times each batch that its loss was given."""
        return self._arrays(int(self._ask(["train", name, str(epochs)], [train, test, marks])[1]))

    def answers(self) -> list[str] | None:
        """What the file says to the five questions."""
        words = self._ask(["answers"], [])
        return None if words[0] == "absent" else words[1:]

    def _ask(
        self, words: list[str], arrays: Sequence[np.ndarray | int], seconds: float | None = None
    ) -> list[str]:
        message = ["\t".join(words).encode() + b"\n"]
        for array in arrays:
            if isinstance(array, int):
                message.append(f"{array}\n".encode())
                continue
            kind = "f4" if array.dtype == np.float32 else "f8"
            message.append("\t".join([kind, *map(str, array.shape)]).encode() + b"\n")
            message.append(array.astype("<" + kind).tobytes(order=self.order))
        self._deadline = time.monotonic() + (seconds or self.seconds)
        self._send(b"".join(message))
        answer = self._line().split("\t")
        if answer[0] == "error":
            raise SolutionError(answer[1] if len(answer) > 1 else "failed")
        return answer

    def _arrays(self, count: int) -> list[np.ndarray]:
        found = []
        for _ in range(count):
            kind, *shape = self._line().split("\t")
            dims = tuple(int(length) for length in shape)
            if kind not in ("f4", "f8") or np.prod(dims, dtype=float) > 1e8:
                raise ProcessOverError("answered in a way that cannot be read")
            data = self._take(int(np.prod(dims)) * int(kind[1]))
            found.append(np.frombuffer(data, "<" + kind).reshape(dims, order=self.order).copy())
        return found

    def _send(self, message: bytes) -> None:
        os.set_blocking(self._requests, False)
        while message:
            self._check()
            if select.select([], [self._requests], [], STEP)[1]:
                try:
                    message = message[os.write(self._requests, message[:65536]) :]
                except BrokenPipeError:
                    self._over()

    def _line(self) -> str:
        while b"\n" not in self._buffer:
            self._more()
        line, self._buffer = self._buffer.split(b"\n", 1)
        return line.decode("utf-8", "replace")

    def _take(self, size: int) -> bytes:
        while len(self._buffer) < size:
            self._more()
        data, self._buffer = self._buffer[:size], self._buffer[size:]
        return data

    def _more(self) -> None:
        self._check()
        if select.select([self._replies], [], [], STEP)[0]:
            part = os.read(self._replies, 1 << 20)
            if not part:
                self._over()
            self._buffer += part

    def _check(self) -> None:
        if time.monotonic() > self._deadline:
            self.close()
            raise ProcessOverError(f"did not end within {self.seconds:g} s")
        if time.monotonic() < self._next_look:
            return
        self._next_look = time.monotonic() + STEP
        if count_processes(self.process.pid) > PROCESSES:
            self.close()
            raise ProcessOverError("started processes without end, and was ended")

    def _over(self) -> None:
        """Say how the process ended: its pipe is closed."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(5)
        status = self.process.poll()
        last = self.printed()[-1:]
        self.close()
        if status is None:
            raise ProcessOverError("closed the pipe to the judge")
        code = -status if status < 0 else status - 128 if status > 128 else 0
        if code == signal.SIGXCPU:
            raise ProcessOverError(f"took more than {CPU_SECONDS} s of a processor")
        if code:
            raise ProcessOverError(f"crashed ({signal_name(code)})")
        said = f": {last[0]}" if last else ""
        raise ProcessOverError(f"ended its process (exit status {status}){said}")

    def printed(self) -> list[str]:
        """What it printed, line by line; the last part of it."""
        self._printed.flush()
        size = os.fstat(self._printed.fileno()).st_size
        text = os.pread(self._printed.fileno(), 20_000, max(0, size - 20_000)).decode("utf-8", "replace")
        return [line for line in text.splitlines() if line.strip()]


def signal_name(number: int) -> str:
    """SIGSEGV and the like."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def copy_folder(solution: Path, place: Path, alone: bool) -> None:
    """Copy a solution and, unless alone, the small files beside it: modules, weights."""
    place.mkdir(mode=0o755)
    shutil.copyfile(solution, place / solution.name)
    if alone or Path.home().resolve().is_relative_to(solution.resolve().parent):
        return
    for path in solution.parent.iterdir():
        if path.is_file() and not path.is_symlink() and path.name[0] != "." and path.stat().st_size < COPIED:
            with contextlib.suppress(OSError):
                shutil.copyfile(path, place / path.name)


def python_folders() -> list[str]:
    """What a Python needs to see: its prefixes, and packages that lie elsewhere."""
    packages = [path for path in sys.path if os.path.basename(path) in ("site-packages", "dist-packages")]
    return [os.path.abspath(path) for path in (sys.prefix, sys.base_prefix, sys.exec_prefix, *packages)]


def julia_folders(julia: str) -> list[str]:
    """What a Julia needs to see: its own folder, and its packages'."""
    program = Path(julia).resolve()
    depots = (os.environ.get("JULIA_DEPOT_PATH") or os.path.expanduser("~/.julia")).split(os.pathsep)
    places = [
        *depots,
        os.environ.get("JULIA_PROJECT", ""),
        *os.environ.get("JULIA_LOAD_PATH", "").split(os.pathsep),
    ]
    return [str(program.parents[1]), *(path for path in places if path.startswith("/"))]


# --- processes, as Linux lists them -----------------------------------------------------------------------


def _processes() -> Iterator[tuple[int, int, int]]:
    """Every process: its id, its parent's, its session's."""
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            try:
                with open(f"/proc/{entry.name}/stat", "rb") as file:
                    fields = file.read().rpartition(b")")[2].split()
            except OSError:
                continue
            yield int(entry.name), int(fields[1]), int(fields[3])


def family(leader: int) -> set[int]:
    """A process, its descendants, and all of its session."""
    if not os.path.isdir("/proc/self"):
        return {leader}
    processes = list(_processes())
    found = {leader} | {process for process, _, session in processes if session == leader}
    grown = True
    while grown:
        more = {process for process, parent, _ in processes if parent in found} - found
        found |= more
        grown = bool(more)
    return found


def count_processes(leader: int) -> int:
    """How many processes a solution has."""
    return len(family(leader))


def end_session(leader: int) -> None:
    """Kill a process and all that it started, until there is none."""
    for _ in range(100):
        alive = [process for process in family(leader) if _alive(process)]
        if not alive:
            return
        for process in alive:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(process, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(leader, os.WNOHANG)
        time.sleep(0.01)


def _alive(process: int) -> bool:
    try:
        with open(f"/proc/{process}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[0] not in (b"Z", b"X")
    except OSError:
        if os.path.isdir("/proc/self"):
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, 0)
            return True
        return False


def own_threads() -> int:
    """How many threads this user runs now, which the limit counts as well."""
    total = 0
    for process, _, _ in _processes() if os.path.isdir("/proc/self") else ():
        with contextlib.suppress(OSError):
            if os.stat(f"/proc/{process}").st_uid == os.getuid():
                total += len(os.listdir(f"/proc/{process}/task"))
    return total


def solution_file(name: str) -> Path:
    """The file. Raises InputError where it is none, or of another language."""
    path = Path(name)
    if path.suffix not in SUFFIXES:
        raise InputError(f"{name}: a solution is a file that ends in {' or '.join(SUFFIXES)}.")
    if not path.is_file():
        raise InputError(f"{name}: there is no such file.")
    return path


def find_julia() -> str:
    """A `julia`. Raises InputError, with the way out, if there is none."""
    places = [
        os.environ.get("PATH", os.defpath),
        str(Path.cwd() / ".julia/bin"),
        str(LIBRARY.parent / ".julia/bin"),
    ]
    found = next(filter(None, (shutil.which("julia", path=place) for place in places)), None)
    if found is None:
        raise InputError(
            "A solution in Julia needs a `julia` on the PATH, and there is none. Install Julia from its "
            "site; in a checkout of the project on Debian, `make julia` fetches one."
        )
    return found
