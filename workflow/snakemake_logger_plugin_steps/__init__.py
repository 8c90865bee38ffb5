"""A logger plugin for Snakemake, chosen by `--logger steps`, which `make` uses.

It prints one line when a job starts, and one when it ends, with an estimate of the remaining time. Warnings
and errors look as Snakemake prints them.
"""

import logging
import sys
import time
from collections import Counter
from typing import Any

from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent


class LogHandler(LogHandlerBase):
    """The handler that Snakemake makes."""

    writes_to_stream = True
    writes_to_file = False
    has_filter = False
    has_formatter = False  # Snakemake's own, used for errors
    needs_rulegraph = False

    def __post_init__(self) -> None:
        """Begin with nothing planned."""
        self.began = time.monotonic()
        self.finished = 0
        self.left: Counter[str] = Counter()  # jobs that have not finished, by rule
        self.running: dict[int, tuple[str, str, float]] = {}  # rule, first output and start, by number
        self.seconds: dict[str, list[float]] = {}  # that jobs took, by rule
        self.most_at_once = 1

    def emit(self, record: logging.LogRecord) -> None:
        """Print a record that the user should see."""
        fields: dict[str, Any] = record.__dict__
        match fields.get("event"):
            case LogEvent.RUN_INFO:
                self._plan(fields["stats"])
            case LogEvent.JOB_INFO:
                self._start(fields["jobid"], fields["rule_name"], fields["output"])
            case LogEvent.JOB_FINISHED:
                self._finish(fields["job_id"])
            case LogEvent.JOB_ERROR | LogEvent.GROUP_ERROR | LogEvent.ERROR:
                self._say(self.format(record))
            case _ if record.levelno >= logging.WARNING:
                self._say(self.format(record))

    def _plan(self, stats: dict[str, int]) -> None:
        self.left = Counter({rule: count for rule, count in stats.items() if rule != "total"})
        rules = ", ".join(f"{count} {rule}" for rule, count in self.left.items())
        self._say(f"{self.left.total()} steps: {rules}")

    def _start(self, number: int, rule: str, outputs: list[str]) -> None:
        output = outputs[0] if outputs else ""
        self.running[number] = (rule, output, time.monotonic())
        self.most_at_once = max(self.most_at_once, len(self.running))
        if output:
            self._say(f"{self._clock()}  start    {rule}: {output}")

    def _finish(self, number: int) -> None:
        rule, output, start = self.running.pop(number)
        took = time.monotonic() - start
        self.seconds.setdefault(rule, []).append(took)
        self.left[rule] -= 1
        self.finished += 1
        steps = self.finished + self.left.total()
        if output:
            step = f"{self._clock()}  {self.finished:3} of {steps}  {rule}: {output}"
            self._say(f"{step}  ({took:.0f} s; {self._remaining()})")

    def _remaining(self) -> str:
        """The remaining time, by the mean time of each rule's finished jobs, or else of all."""
        everything = [second for seconds in self.seconds.values() for second in seconds]
        mean = sum(everything) / len(everything)
        rest = sum(
            count * (sum(seconds) / len(seconds) if (seconds := self.seconds.get(rule)) else mean)
            for rule, count in self.left.items()
        )
        minutes = rest / self.most_at_once / 60
        return "less than a minute left" if minutes < 1 else f"about {minutes:.0f} min left"

    def _clock(self) -> str:
        minutes, seconds = divmod(int(time.monotonic() - self.began), 60)
        return f"{minutes:2}:{seconds:02}"

    def _say(self, words: str) -> None:
        print(words, file=sys.stderr, flush=True)
