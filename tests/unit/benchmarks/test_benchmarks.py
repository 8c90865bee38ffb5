"""Contenders do the work they are timed for, and jobs are added up. No time is tested."""

import io
import json
import os
import sys
from contextlib import closing
from importlib.metadata import version
from pathlib import Path

import pandas as pd
import pytest
import torch

from mnist_vae.benchmarks import inference, jax_training, julia_training, processes, pythae_training, training
from mnist_vae.benchmarks.alternation import hold, ratios, take_turns
from mnist_vae.benchmarks.workers import Worker
from mnist_vae.check.julia import find_julia
from mnist_vae.commands import benchmark_commands
from mnist_vae.errors import InputError
from mnist_vae.provenance import costs
from mnist_vae.provenance.record import RECORD, read_entries
from mnist_vae.provenance.software import blas, processor
from mnist_vae.study.networks import VAE
from mnist_vae.study.recipe import Recipe
from mnist_vae.study.training import train
from support.command_line import run_command

CONTENDERS = {
    "this package",
    "PyTorch as in common examples",
    "PyTorch, batches in memory, fused Adam",
    "the five large products alone, by PyTorch",
    "the five large products alone, by NumPy",
    *(("this package, on a GPU",) if torch.cuda.is_available() else ()),
    *(("pythae",) if pythae_training.INSTALLED else ()),
    *(("JAX, jitted step", "JAX, epoch in one scan") if jax_training.INSTALLED else ()),
}


def test_contenders_take_turns_and_the_first_round_does_not_count():
    calls = []
    work = {name: lambda name=name: calls.append(name) or 2 for name in "ab"}
    timings = take_turns(work, rounds=3)
    assert calls == list("ab" * 4)
    assert timings["round"].tolist() == [1, 1, 2, 2, 3, 3]
    assert (timings.ms_a_unit > 0).all()


def test_ratios_are_taken_within_a_round():
    """The machine was ten times slower in the second round, which the ratio does not show."""
    rows = [(1, "ours", 2.0), (1, "theirs", 4.0), (2, "ours", 20.0), (2, "theirs", 40.0)]
    found = ratios(pd.DataFrame(rows, columns=["round", "contender", "ms_a_unit"]), of="ours")
    assert found.index.tolist() == ["ours", "theirs"]
    assert found.ms_a_unit.tolist() == [11, 22]
    assert found.loc["theirs", ["ratio", "lowest", "highest"]].tolist() == [0.5, 0.5, 0.5]


def test_every_contest_has_its_own_measure():
    work = {name: dict.fromkeys(contenders, lambda: 1) for name, contenders in (("x", "ab"), ("y", "cd"))}
    table = hold(work, rounds=2)
    assert table.contest.tolist() == ["x", "x", "y", "y"]
    assert table.contender.tolist() == ["a", "b", "c", "d"]
    assert table.ratio[[0, 2]].tolist() == [1, 1]


def test_every_contender_of_an_epoch_takes_its_steps(images):
    contenders = training.contenders(images[:200])
    assert contenders.keys() == CONTENDERS
    assert {name: epoch() for name, epoch in contenders.items()} == dict.fromkeys(CONTENDERS, 2)


@pytest.mark.parametrize("contender", [training.common_example, training.in_memory])
def test_plain_pytorch_learns(images, contender):
    vae = training.plain_vae()
    epoch, losses = contender(images[:1000], vae), []
    for _ in range(5):
        epoch()
        with torch.no_grad():
            losses.append(training.plain_loss(vae, images[:1000]).item())
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < 230  # where this package is after five epochs, or near


def test_products_are_those_of_a_step(images):
    """Two of the forward pass, two of its gradients, and the one between."""
    shapes = []

    def watch(left, right):
        product = training.by_numpy(left, right)
        torch.testing.assert_close(product, left @ right, rtol=1e-4, atol=1e-3)
        shapes.append(tuple(product.shape))
        return product

    assert training.products_alone(images[:100], watch)() == 1
    assert shapes == [(100, 500), (100, 784), (500, 784), (784, 500), (100, 500)]


@pytest.mark.skipif(not jax_training.INSTALLED, reason="no JAX: pip install --editable '.[benchmarks]'")
def test_jax_learns_as_fast_as_this_package(images):
    state = jax_training.start(0)
    for _ in range(5):
        state, losses = jax_training.epoch(state, images[:1000].numpy())
    generator = torch.Generator().manual_seed(0)
    ours = list(train(VAE(generator), images[:1000], Recipe(5, 100, 1e-3), generator))[-1]
    assert losses.mean().item() == pytest.approx(ours, rel=0.03)


@pytest.mark.skipif(not pythae_training.INSTALLED, reason="no pythae: pip install --editable '.[benchmarks]'")
def test_pythae_learns_as_fast_as_plain_pytorch(images):
    theirs = pythae_training.trainer(images[:1000])
    losses = [float(theirs.train_step(epoch)) for epoch in range(1, 6)]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < 230


def test_inference_contenders_do_all_images(trained, images):
    for contenders, units in (
        (inference.log_px(trained, images[:6], 8, 41), {6}),
        (
            inference.svi(trained, images[:6], draws=2),
            {6 * inference.STEPS_TOGETHER, inference.ONE_BY_ONE * inference.STEPS_ALONE},
        ),
    ):
        assert {work() for work in contenders.values()} == units


def test_benchmark_tells_each_contests_ratios(study, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "sched_setaffinity", lambda *_: None)  # of this process, for good
    monkeypatch.setattr(julia_training, "find_julia", lambda _: None)
    words = (
        f"benchmark {study.digits} {study.weights} {study.weights} {tmp_path}/ratios.csv {tmp_path}/ratios.md"
    )
    words += f" --reference {tmp_path} --rounds 1 --images 100 --window 8 --tolerance 0.001"
    assert run_command(words) == 0
    table = pd.read_csv(tmp_path / "ratios.csv")
    assert table.groupby("contest").ratio.first().tolist() == [1] * 4
    assert len(table) == len(CONTENDERS) + 5 + 4
    assert set(table.processor) == {processor()}
    assert table.versions.str.contains(f"torch {version('torch')}", regex=False).all()
    page = (tmp_path / "ratios.md").read_text()
    assert "this package" in page
    assert f"On {processor()}, " in page
    assert f"NumPy's products by {blas()}" in page
    assert ("JAX is timed where" in page) != ("JAX, jitted step" in page)
    assert page.count("| log p(x) of an image, reference, n = ") == 1
    assert page.count("nats or less") == 5
    assert "Julia is timed where" in page


# --- processes of their own -------------------------------------------------------------------------------

ECHO = "import sys; [print(7, flush=True) for line in sys.stdin]"


def test_workers_work_when_told_to_and_end_when_closed():
    worker = Worker([sys.executable, "-c", ECHO], os.environ)
    assert [worker(), worker()] == [7, 7]
    worker.begin()
    assert worker.end() == 7
    worker.close()
    assert worker.memory_mb > 5


@pytest.mark.parametrize("code", ["import sys; sys.exit(3)", "import sys; input(); sys.exit(3)"])
def test_a_worker_that_ends_is_an_error(code):
    with (
        pytest.raises(InputError, match="ended with 3, without an answer"),
        closing(Worker([sys.executable, "-c", code], os.environ)) as worker,
    ):
        worker()


@pytest.mark.julia
def test_julia_trains_whole_epochs(images):
    reference = Path(__file__).parents[3] / "reference_julia"
    if not find_julia([reference.parent]):
        pytest.skip("no julia: make julia")
    with julia_training.contender(images[:250].numpy(), reference, 1) as found:
        ((name, epoch),) = found.items()
        assert name.startswith("Julia 1.")
        assert [epoch(), epoch()] == [2, 2]


def test_repeat_epochs_answers_each_line(small_digits, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n\n"))
    assert run_command(f"repeat_epochs {small_digits.binarized} --n 150") == 0
    assert capsys.readouterr().out.split() == ["150", "150"]


def test_trainings_side_by_side_and_on_more_images(tmp_path, monkeypatch, small_digits):
    """The largest size is all images; both ways of running two trainings train on twice the images."""
    trained = []

    class Recorded(Worker):
        def end(self):
            trained.append(super().end())
            return trained[-1]

    def start_worker(digits, n, threads):
        return Recorded([sys.executable, "-c", ECHO.replace("7", str(n))], os.environ)

    monkeypatch.setattr(processes, "start_worker", start_worker)
    monkeypatch.setattr(processes, "SIZES", (50, 100, 1000))
    monkeypatch.setattr(processes, "TURN", 100)
    monkeypatch.setattr(processes, "cores", lambda: 2)
    words = f"benchmark_processes {small_digits.binarized} {tmp_path}/x.csv {tmp_path}/x.md --rounds 1"
    assert run_command(words) == 0
    assert trained == 2 * [50, 50, 100, 200] + 2 * [100, 100, 100, 100]
    table = pd.read_csv(tmp_path / "x.csv")
    assert table.contender.tolist() == [
        "n = 50",
        "n = 100",
        "n = 200",
        "side by side, a thread each",
        "one after the other, two threads",
    ]
    assert (table.memory_mb > 5).all()
    assert f"n = 200: {table.memory_mb[2]} MB" in (tmp_path / "x.md").read_text()
    monkeypatch.setattr(processes, "cores", lambda: 1)
    assert run_command(words) == 0
    assert len(pd.read_csv(tmp_path / "x.csv")) == 3


def test_commands_are_whole_processes_that_say_whether_they_import_torch(study, tmp_path, monkeypatch):
    monkeypatch.setenv(RECORD, str(tmp_path / "record.jsonl"))
    words = f"benchmark_commands {tmp_path}/x.csv {tmp_path}/x.md --rounds 1"
    assert run_command(f"{words} --figure prior_samples {study.prior_samples}") == 0
    table = pd.read_csv(tmp_path / "x.csv")
    assert table.command.tolist() == [
        "python",
        "import mnist_vae",
        "mnist_vae --help",
        "mnist_vae draw prior_samples",
    ]
    assert not table.torch.any()
    made = {Path(entry["path"]).name for entry in read_entries(tmp_path / "record.jsonl")}
    assert made == {"x.csv", "x.md"}  # and no figure
    seen = {}
    benchmark_commands.process("with torch", ["import torch"], seen)()
    assert seen == {"with torch": True}


# --- jobs -------------------------------------------------------------------------------------------------


def test_account_adds_up_the_jobs_that_made_what_is_there(tmp_path, monkeypatch, capsys):
    """Two trainings, one of two files, one made again; another data set's and a benchmark do not count."""
    monkeypatch.chdir(tmp_path)
    lines = [
        line("mnist/a/weights", "train", 50.0, 400),
        line("mnist/a/history", "train", 50.0, 400),
        line("mnist/b/weights", "train", 1.0, 100),
        line("mnist/b/weights", "train", 10.0, 500),
        line("mnist/a/metrics", "evaluate", 7.0, 300),
        line("mnist/benchmarks/ratios", "benchmark", 999.0, 999),
        line("mnist5k/a/weights", "train", 99.0, 999),
        '{"path": "results/mnist/cut sho',
    ]
    (tmp_path / "record.jsonl").write_text("\n".join(lines) + "\n")
    assert run_command("account record.jsonl results/mnist jobs.csv jobs.md") == 0
    jobs = pd.read_csv("jobs.csv")
    assert jobs.drop(columns="machine").to_numpy().tolist() == [
        ["train", 2, 30.0, 50.0, 60.0, 500],
        ["evaluate", 1, 7.0, 7.0, 7.0, 300],
    ]
    assert "processor a Z80" in jobs.machine[0]
    assert "67 in all" in (tmp_path / "jobs.md").read_text()
    assert run_command("account record.jsonl results/parity other.csv other.md") == 1
    assert "record.jsonl says nothing of results/parity" in capsys.readouterr().err


def line(path, command, seconds, memory, started=0.0, ended=100.0):
    cost = {"command": command, "processor_seconds": seconds, "memory_mb": memory}
    cost |= {"started": started, "ended": ended, "cores": 2}
    made_by = {"processor": "a Z80"}
    return json.dumps({"path": f"results/{path}", "sha256": "0", "made_by": made_by, "cost": cost})


@pytest.mark.parametrize(
    ("times", "run"),
    [
        ([(0, 10), (10, 30), (31, 40)], (40, 1)),
        ([(0, 10), (5, 30), (20, 40)], (40, 2)),
        ([(0, 10), (0, 10), (0, 10), (2, 12)], (12, 2)),  # four at once share the two cores there are
        ([(0, 200), (1, 2), (190, 210)], (210, 2)),  # one long job is not a pause
        ([(0, 10), (1000, 1010)], None),
    ],
)
def test_wall_time_and_cores_of_a_run(times, run):
    jobs = pd.DataFrame(times, columns=["started", "ended"], dtype=float).assign(cores=2)
    assert costs.single_run(jobs.sample(frac=1, random_state=0)) == run


def test_account_tells_a_runs_wall_time(tmp_path, monkeypatch):
    """50 s of one core, 25 s of two: twice that is 2."""
    monkeypatch.chdir(tmp_path)
    lines = [line("mnist/a", "train", 30.0, 1, 0.0, 50.0), line("mnist/b", "train", 20.0, 1, 10.0, 40.0)]
    (tmp_path / "record.jsonl").write_text("\n".join(lines) + "\n")
    assert run_command("account record.jsonl results/mnist jobs.csv jobs.md") == 0
    assert "of one run, which took 50 s on 2 core(s): 2.00 times" in (tmp_path / "jobs.md").read_text()
