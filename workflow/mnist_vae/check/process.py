"""A process that runs a solution, with limits: requests go over one pipe, replies come over another.

A message is a line of words separated by tabs, a line with the number of arrays, and the arrays: for each, a
line with kind (f4, f8) and shape, then the bytes, in the order of the process's language. host.py and host.jl
are the other side.

With bubblewrap, the process sees only the interpreter and a copy of the solution's folder: no network and no
home, and it can write only to a small folder in memory. Without it, the process has the user's rights.
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
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
import psutil

from mnist_vae.check import intake, julia

HERE = Path(__file__).parent
GIB = 2**30
ADDRESS_SPACE = {"python": 16 * GIB, "julia": 32 * GIB}  # both reserve much more than they use
MEMORY = {"python": 4 * GIB, "julia": 6 * GIB}
MEMORY_FOLDER = 64 * 2**20  # bytes that a sandboxed solution may write, besides the copy of its folder
LARGEST_FILE = intake.COPIED
CPU_SECONDS = 900
COMPILATION = {"python": 0.0, "julia": 60.0}  # additional seconds per call, in which Julia may compile
WAITING = 4.0  # allowed wall time of a call over its allowed processor time, since the machine may be busy
PROCESSES = 64
STEP = 0.05  # seconds to wait at a pipe
LOOK = 0.2  # seconds between checks of the processes
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc/alternatives", "/etc/localtime")
LINKER = ("/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d")


class SolutionError(Exception):
    """A call of a solution failed, as one sentence says. The process still serves."""


class UnwrittenError(SolutionError):
    """A function is not written yet: it holds `pass`, or raises NotImplementedError."""


class ProcessOverError(SolutionError):
    """The process has crashed or was ended, as the sentence says."""


@cache
def bubblewrap() -> str | None:
    """The sandbox's program, if it is installed and works."""
    program = shutil.which("bwrap")
    if program is None:
        return None
    trial = [program, "--ro-bind", "/", "/", "--unshare-all", "true"]
    return program if subprocess.run(trial, capture_output=True).returncode == 0 else None


class Host:
    """One process with one language's host script; `load` gives it a solution."""

    def __init__(self, solution: Path, executable: str | None, seconds: float, alone: bool = False) -> None:
        """Start the process. `executable` is the `julia` for a solution in Julia.

        `seconds` is the processor time allowed per call; with `alone`, only the solution is copied.
        """
        self.language = "julia" if solution.suffix == ".jl" else "python"
        self.order: Literal["C", "F"] = "F" if self.language == "julia" else "C"
        self.seconds = seconds + COMPILATION[self.language]
        # For the functions that `stand_in` names.
        self.answer: Callable[[str, list[np.ndarray]], list[np.ndarray]]
        self.closed = False
        self.folder = Path(tempfile.mkdtemp(prefix="check-"))
        self.folder.chmod(0o755)
        self.copied = intake.copy(solution, self.folder / "solution", alone)
        requests, self._requests = os.pipe()
        self._replies, replies = os.pipe()
        self._buffer = b""
        self._used: float | None = None
        self._printed = open(self.folder / "printed", "w+b")  # noqa: SIM115 - closed by `close`
        try:
            self.process = subprocess.Popen(
                self._command(executable, requests, replies),
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

    def _command(self, executable: str | None, requests: int, replies: int) -> list[str]:
        inside = bubblewrap()
        words = [str(requests), str(replies), str(self.folder / "solution"), self._work()]
        script = shutil.copy(HERE / ("host.jl" if self.language == "julia" else "host.py"), self.folder)
        if self.language == "julia":
            assert executable is not None
            command = [str(julia.program(executable)), "--startup-file=no", "-O1", str(script), *words]
            seen = julia.folders(executable)
        else:
            command = [os.path.abspath(sys.executable), "-I", "-u", str(script), *words]
            seen = python_folders()
        if not inside:
            return command
        options = ["--unshare-all", "--die-with-parent", "--new-session", "--dev", "/dev", "--proc", "/proc"]
        options += ["--size", str(MEMORY_FOLDER + self.copied), "--tmpfs", "/tmp"]
        for path in dict.fromkeys([*SYSTEM, *LINKER, *seen, str(self.folder / "solution"), str(script)]):
            options += ["--ro-bind-try", path, path]
        return [inside, *options, "--chdir", "/tmp", "--", *command]

    def _work(self) -> str:
        """The folder of the solution's copy, as the process sees it."""
        return "/tmp/work" if bubblewrap() else str(self.folder / "work")

    def _environment(self) -> dict[str, str]:
        kept = ("PATH", "LANG", "LC_ALL", "JULIA_PROJECT", "JULIA_LOAD_PATH", "LD_LIBRARY_PATH")
        home = "/tmp" if bubblewrap() else str(self.folder)
        return {name: os.environ[name] for name in kept if name in os.environ} | {
            "HOME": home,
            "USER": "student",
            "TMPDIR": home,
            "MPLBACKEND": "Agg",  # plots open no window
            "GKSwstype": "nul",
            "OMP_NUM_THREADS": "1",
            "JULIA_NUM_THREADS": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "CUDA_VISIBLE_DEVICES": "",
            "JAX_DISABLE_JIT": "1",  # compiled functions would keep the networks that they read first
            "JULIA_DEPOT_PATH": julia.depots(f"{home}/depot"),
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
        if self.closed:
            return
        self.closed = True
        end_family(self.process.pid)
        self.process.wait()
        os.close(self._requests)
        os.close(self._replies)
        self._printed.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> "Host":
        """Return the host itself."""
        return self

    def __exit__(self, *error: object) -> None:
        """Close it."""
        self.close()

    # --- requests ------------------------------------------------------------------------------------------

    def load(self, names: Mapping[str, str], holder: str = "", file: str = "") -> list[str]:
        """Run the file; return the framework's name, and the names in the contract that it defines.

        `names` are the solution's names, several separated by |, by the contract's. Raises SolutionError if
        the file defines none of them.
        """
        pairs = [f"{name}={word}" for name, word in names.items()]
        path = f"{self._work()}/{intake.plain_name(Path(file))}"
        (framework, *found), _ = self._ask("loaded", ["load", path, holder, *pairs], [])
        if framework == "nothing":
            raise SolutionError(what_is_there(*(words.split() for words in (*found, "", "")[:2])))
        return [framework, *(name for name in found if name in names)]

    def know(
        self,
        layout: str,
        form: str,
        ends: str,
        decoder: Sequence[np.ndarray],
        encoder: Sequence[np.ndarray],
        noises: Sequence[np.ndarray],
    ) -> None:
        """Replace the networks and the noise that the solution reads as globals by known ones.

        `form` is the form of the encoder's result ("tuple", "stacked"), and `ends` the decoder's last layer
        ("sigmoid" or "").
        """
        self._ask("known", ["know", layout, form, ends], [*decoder, *encoder, *noises])

    def stand_in(self, name: str, count: int) -> None:
        """Replace a function of `count` arguments by `answer`, where the solution reads it as a global."""
        self._ask("known", ["stand_in", name, str(count)], [])

    def call(
        self,
        name: str,
        arguments: Sequence[np.ndarray],
        repeats: int = 1,
        way: Literal["call", "own", "free"] = "call",
    ) -> tuple[list[np.ndarray], dict[str, int]]:
        """Call a function: its results, stacked if repeated, and how often it read each known function.

        `way` is "own" for the solution's own network, and "free" for draws with its own noise.
        """
        words, arrays = self._ask("arrays", [way, name, str(repeats)], arguments)
        counts = (word.partition("=") for word in words)
        return arrays, {key: int(count) for key, _, count in counts if count.isdecimal()}

    def train(
        self, name: str, epochs: int, loss: str, train: np.ndarray, test: np.ndarray, marks: np.ndarray
    ) -> list[np.ndarray]:
        """Let it train by its own "loss" or by "known_loss"; return `marks` times each batch of the loss."""
        return self._ask("arrays", ["train", name, str(epochs), loss], [train, test, marks])[1]

    def answers(self) -> list[str] | None:
        """The file's answers to the five questions; None if it has none."""
        words, _ = self._ask("answers", ["answers"], [])
        return words[1:] if words[:1] == ["found"] else None

    def _ask(
        self, kind: str, words: list[str], arrays: Sequence[np.ndarray]
    ) -> tuple[list[str], list[np.ndarray]]:
        """Send a request and wait for a reply of this kind: its words and arrays.

        Raises SolutionError with what the solution raised, and ProcessOverError if the process has ended, or
        if anything but a reply is in the pipe, which can then no longer be trusted.
        """
        self._begin(self.seconds)
        self._tell(words, arrays)
        try:
            while (reply := self._reply())[0] == "ask":
                (name,) = reply[1]
                self._tell(*self._answer(name, reply[2]))
            answered, found, received = reply
            if answered not in (kind, "error", "unwritten"):
                raise ValueError(answered)
        except ValueError as error:
            self.close()
            raise ProcessOverError("writes into the pipe to the judge") from error
        if answered == "unwritten":
            raise UnwrittenError("not there yet")
        if answered == "error":
            raise SolutionError("".join(found) or "failed")
        return found, received

    def _answer(self, name: str, arguments: list[np.ndarray]) -> tuple[list[str], list[np.ndarray]]:
        """The judge's answer for a function, or why it has none."""
        try:
            return ["found"], self.answer(name, arguments)
        except (ValueError, IndexError) as error:  # the arguments do not fit
            return ["error", f"{name} cannot be computed of these arguments: {error}"], []

    def _reply(self) -> tuple[str, list[str], list[np.ndarray]]:
        answered, *found = self._line().split("\t")
        return answered, found, [self._array() for _ in range(int(self._line()))]

    def _tell(self, words: list[str], arrays: Sequence[np.ndarray]) -> None:
        message = ["\t".join(words).encode("utf-8", "surrogateescape"), b"\n%d\n" % len(arrays)]
        for array in arrays:
            kind = {"float32": "f4", "bool": "b1"}.get(array.dtype.name, "f8")
            message.append("\t".join([kind, *map(str, array.shape)]).encode() + b"\n")
            message.append(array.astype(bool if kind == "b1" else "<" + kind).tobytes(order=self.order))
        self._send(b"".join(message))

    def _array(self) -> np.ndarray:
        kind, *shape = self._line().split("\t")
        dims = tuple(int(length) for length in shape)
        if kind not in ("f4", "f8") or min(dims, default=0) < 0 or np.prod(dims, dtype=float) > 1e8:
            raise ValueError(kind)
        data = self._take(int(np.prod(dims)) * int(kind[1]))
        return np.frombuffer(data, "<" + kind).reshape(dims, order=self.order).copy()

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
        # Replace characters that control a terminal or that XML cannot hold.
        return "".join(
            letter if letter.isprintable() or letter == "\t" else "\N{REPLACEMENT CHARACTER}"
            for letter in line.decode("utf-8", "replace")
        )

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

    def _begin(self, seconds: float) -> None:
        """Start the clocks of a call; that of processor time starts at the first check, if the call lasts."""
        self._allowed, self._started, self._used = seconds, time.monotonic(), None
        self._next_look = self._started + LOOK

    def _check(self) -> None:
        """End the process if it takes too long, or has too many processes."""
        now = time.monotonic()
        if now < self._next_look:
            return
        self._next_look = now + LOOK
        processes = family(self.process.pid)
        used = processor_seconds(processes)
        self._used = used if self._used is None else self._used
        trouble = ""
        if used - self._used > self._allowed:
            trouble = f"did not end within {self._allowed:g} s of processor time; `--seconds` allows more"
        elif now - self._started > WAITING * self._allowed:
            most = f"{WAITING * self._allowed:g} s, most of which it waited"
            trouble = f"did not end within {most}; `--seconds` allows more"
        elif len(processes) > PROCESSES:
            trouble = "started processes without end, and was ended"
        if trouble:
            self.close()
            raise ProcessOverError(trouble)

    def _over(self) -> None:
        """Raise ProcessOverError that says how the process ended, once its pipe is closed."""
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
        """The last lines that it printed."""
        size = os.fstat(self._printed.fileno()).st_size
        text = os.pread(self._printed.fileno(), 20_000, max(0, size - 20_000)).decode("utf-8", "replace")
        return [intake.printable(line) for line in text.splitlines() if line.strip()]


def what_is_there(holders: Sequence[str], names: Sequence[str]) -> str:
    """Say what a file without the assignment's functions does define, and what to do."""
    sentence = "defines none of the assignment's functions under their names"
    if holders:
        return f"{sentence}; {' and '.join(holders)} does: use `--object {holders[0]}`"
    if names:
        return (
            f"{sentence}, only {', '.join(names)}; use `--name log_prior={names[0]}` and the like to map them"
        )
    return sentence


def signal_name(number: int) -> str:
    """The name of a signal, such as SIGSEGV."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def python_folders() -> list[str]:
    """The folders that Python reads: its prefixes, and packages elsewhere."""
    packages = [path for path in sys.path if os.path.basename(path) in ("site-packages", "dist-packages")]
    return [os.path.abspath(path) for path in (sys.prefix, sys.base_prefix, sys.exec_prefix, *packages)]


# --- processes --------------------------------------------------------------------------------------------


def family(leader: int) -> list[psutil.Process]:
    """The running processes among a process, its descendants, and its session."""
    processes = list(psutil.process_iter(["ppid", "status"]))
    found = {leader} | {process.pid for process in processes if session(process.pid) == leader}
    grown = True
    while grown:
        more = {process.pid for process in processes if process.info["ppid"] in found} - found
        found |= more
        grown = bool(more)
    ended = (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    return [process for process in processes if process.pid in found and process.info["status"] not in ended]


def session(process: int) -> int | None:
    """A process's session; None if the process has ended."""
    with contextlib.suppress(OSError):
        return os.getsid(process)
    return None


def processor_seconds(processes: Sequence[psutil.Process]) -> float:
    """The processor time of processes, and of ended children that they have waited for."""
    total = 0.0
    for process in processes:
        with contextlib.suppress(psutil.Error):
            total += sum(process.cpu_times()[:4])  # user, system, and both of its children
    return total


def end_family(leader: int) -> None:
    """Kill a process and all that it started, until none is left."""
    for _ in range(100):
        processes = family(leader)
        if not processes:
            return
        for process in processes:
            with contextlib.suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(processes, timeout=0.1)


def own_threads() -> int:
    """The number of threads that the user runs now, which count towards the limit."""
    return sum(
        process.info["num_threads"] or 0
        for process in psutil.process_iter(["uids", "num_threads"])
        if process.info["uids"] and process.info["uids"].real == os.getuid()
    )
