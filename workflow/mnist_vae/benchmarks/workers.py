"""Contenders in separate processes."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from mnist_vae.errors import InputError


class Worker:
    """A process that works once per line of input, and answers with the number of units (steps, images).

    It starts in the background, and answers once it is ready. Raises InputError if it ends instead.
    """

    def __init__(self, command: Sequence[str | Path], environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._name, self._input, self._output = command[0], self._process.stdin, self._process.stdout
        self.memory_mb = 0  # peak memory, known once the worker is closed

    def __call__(self) -> int:
        """Work, and return the number of units."""
        self.begin()
        return self.end()

    def begin(self) -> None:
        """Start working, without waiting."""
        with suppress(BrokenPipeError):  # it has ended, as `answer` will say
            os.write(self._input.fileno(), b"\n")

    def end(self) -> int:
        """Wait until it has worked, and return the number of units."""
        return int(self.answer())

    def answer(self) -> str:
        """Wait for the next line that it writes."""
        if not (line := self._output.readline()):
            self.close()
            raise InputError(f"{self._name} ended with {self._process.returncode}, without an answer")
        return line.rstrip()

    def close(self) -> None:
        """Close its input, upon which it ends."""
        if self._process.returncode is not None:
            return
        self._input.close()
        self._output.close()
        _, status, used = os.wait4(self._process.pid, 0)
        self._process.returncode = os.waitstatus_to_exitcode(status)
        self.memory_mb = used.ru_maxrss // 1024
