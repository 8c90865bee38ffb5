"""Work done by processes of its own."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from mnist_vae.errors import InputError


class Worker:
    """A process that works whenever it is sent a line, and answers how many units (steps, images) it did.

    It starts while others work, and answers its first line when it has. Raises InputError where it ends
    instead of answering.
    """

    def __init__(self, command: Sequence[str | Path], environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._name, self._input, self._output = command[0], self._process.stdin, self._process.stdout
        self.memory_mb = 0  # the most it had; known once it is closed

    def __call__(self) -> int:
        """Work, and return how many units that was."""
        self.begin()
        return self.end()

    def begin(self) -> None:
        """Let it work, and do not wait."""
        with suppress(BrokenPipeError):  # it has ended, as `answer` will say
            os.write(self._input.fileno(), b"\n")

    def end(self) -> int:
        """Wait until it has worked, and return how many units that was."""
        return int(self.answer())

    def answer(self) -> str:
        """Wait for the next line that it says."""
        if not (line := self._output.readline()):
            self.close()
            raise InputError(f"{self._name} ended with {self._process.returncode}, without an answer")
        return line.rstrip()

    def close(self) -> None:
        """Let it end, as it does once no more lines can come."""
        if self._process.returncode is not None:
            return
        self._input.close()
        self._output.close()
        _, status, used = os.wait4(self._process.pid, 0)
        self._process.returncode = os.waitstatus_to_exitcode(status)
        self.memory_mb = used.ru_maxrss // 1024
