"""What `make` shows of a run."""

import logging

import pytest
from snakemake_interface_logger_plugins.common import LogEvent

import snakemake_logger_plugin_steps as steps


@pytest.fixture
def log(monkeypatch, capsys):
    """Pass records to a handler, one second apart, and return what it printed."""
    now = [0]
    monkeypatch.setattr(steps.time, "monotonic", lambda: now[0])
    handler = steps.LogHandler(None, None)

    def say(event, level=logging.INFO, message="", seconds=1, **values):
        now[0] += seconds
        record = logging.makeLogRecord({"msg": message, "levelno": level, "event": event} | values)
        handler.emit(record)
        return capsys.readouterr().err

    return say


def start(log, number, rule, output):
    return log(LogEvent.JOB_INFO, jobid=number, rule_name=rule, output=[output])


def test_a_line_for_a_step_that_starts_and_one_for_a_step_that_ends(log):
    assert (
        log(LogEvent.RUN_INFO, stats={"train": 2, "encode": 1, "total": 3}) == "3 steps: 2 train, 1 encode\n"
    )
    assert start(log, 7, "train", "a.csv") == " 0:02  start    train: a.csv\n"
    finished = log(LogEvent.JOB_FINISHED, job_id=7, seconds=60)
    assert finished == " 1:02    1 of 3  train: a.csv  (60 s; about 2 min left)\n"


def test_time_left_is_that_of_the_rules_by_jobs_at_once(log):
    log(LogEvent.RUN_INFO, stats={"train": 4, "total": 4})
    for number in (1, 2):
        start(log, number, "train", "a")
    assert "about 10 min left" in log(LogEvent.JOB_FINISHED, job_id=1, seconds=400)  # 3 x 401 s, two at once


def test_a_step_without_files_is_not_shown(log):
    log(LogEvent.RUN_INFO, stats={"all": 1, "total": 1})
    assert log(LogEvent.JOB_INFO, jobid=0, rule_name="all", output=[]) == ""
    assert log(LogEvent.JOB_FINISHED, job_id=0) == ""


def test_warnings_and_errors_are_shown_and_notices_are_not(log):
    assert log(None, message="Conda environments: ignored") == ""
    assert log(None, level=logging.WARNING, message="low disk") == "low disk\n"
    assert log(LogEvent.JOB_ERROR, level=logging.ERROR, message="failed") == "failed\n"
