"""That the contenders do the work they are timed for, and jobs are added up. No time is tested."""

import json
import os

import pandas as pd
import pytest
import torch

from mnist_vae.benchmarks import inference, jax_training, training
from mnist_vae.benchmarks.alternation import ratios, take_turns
from mnist_vae.model import VAE
from mnist_vae.objective import loss
from mnist_vae.training import Recipe, train

from .conftest import run_command

CONTENDERS = {
    "this package",
    "PyTorch as in common examples",
    "the five large products alone",
    *(("JAX, jitted step", "JAX, epoch in one scan") if jax_training.jax else ()),
}


def test_contenders_take_turns_and_the_first_round_does_not_count():
    calls = []
    work = {name: lambda name=name: calls.append(name) or 2 for name in "ab"}
    timings = take_turns(work, rounds=3)
    assert calls == list("ab" * 4)
    assert timings["round"].tolist() == [1, 1, 2, 2, 3, 3]
    assert (timings.ms_a_unit > 0).all()


def test_ratios_are_taken_within_a_round():
    """The machine was ten times slower in the second round: the ratio does not show it."""
    rows = [(1, "ours", 2.0), (1, "theirs", 4.0), (2, "ours", 20.0), (2, "theirs", 40.0)]
    found = ratios(pd.DataFrame(rows, columns=["round", "contender", "ms_a_unit"]), of="ours")
    assert found.index.tolist() == ["ours", "theirs"]
    assert found.ms_a_unit.tolist() == [11, 22]
    assert found.loc["theirs", ["ratio", "lowest", "highest"]].tolist() == [0.5, 0.5, 0.5]


def test_every_contender_of_an_epoch_takes_its_steps(images):
    contenders = training.contenders(images[:200])
    assert contenders.keys() == CONTENDERS
    assert {name: epoch() for name, epoch in contenders.items()} == dict.fromkeys(CONTENDERS, 2)


def test_common_example_learns(images, monkeypatch):
    made = []
    monkeypatch.setattr(training, "VAE", lambda: made.append(VAE()) or made[-1])
    epoch, before = training.common_example(images[:1000]), None
    for _ in range(3):
        epoch()
        now = training_loss(made[0], images[:1000])
        assert before is None or now < before
        before = now


def training_loss(vae, images):
    with torch.inference_mode():
        return loss(
            vae, images, torch.randn(len(images), 2, generator=torch.Generator().manual_seed(0))
        ).item()


@pytest.mark.skipif(not jax_training.jax, reason="no JAX: pip install --editable '.[benchmarks]'")
def test_jax_learns_as_fast_as_this_package(images):
    state = jax_training.start(0)
    for _ in range(5):
        state, losses = jax_training.epoch(state, images[:1000].numpy())
    generator = torch.Generator().manual_seed(0)
    ours = list(train(VAE(generator), images[:1000], Recipe(5, 100, 1e-3), generator))[-1]
    assert losses.mean().item() == pytest.approx(ours, rel=0.03)


def test_inference_contenders_do_all_images(trained, images):
    for contenders, units in (
        (inference.log_px(trained, images[:6], 8, 41), {6}),
        (inference.svi(trained, images[:6]), {6 * inference.STEPS, inference.ONE_BY_ONE * inference.STEPS}),
    ):
        assert {work() for work in contenders.values()} == units


def test_benchmark_tells_each_contests_ratios(study, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "sched_setaffinity", lambda *_: None)  # of this process, for good
    words = f"benchmark {study.digits} {study.weights} {tmp_path}/ratios.csv {tmp_path}/ratios.md"
    assert run_command(f"{words} --rounds 1 --images 100 --window 8 --size 41") == 0
    table = pd.read_csv(tmp_path / "ratios.csv")
    assert table.groupby("contest").ratio.first().tolist() == [1, 1, 1]
    assert len(table) == len(CONTENDERS) + 4
    page = (tmp_path / "ratios.md").read_text()
    assert "this package" in page
    assert ("JAX is timed where" in page) != ("JAX, jitted step" in page)


def test_account_adds_up_the_jobs_that_made_what_is_there(tmp_path, monkeypatch, capsys):
    """Two trainings, one of two files, one made anew; another data set's does not count."""
    monkeypatch.chdir(tmp_path)
    lines = [
        line("mnist/a/weights", "train", 50.0, 400),
        line("mnist/a/history", "train", 50.0, 400),
        line("mnist/b/weights", "train", 1.0, 100),
        line("mnist/b/weights", "train", 10.0, 500),
        line("mnist/a/metrics", "evaluate", 7.0, 300),
        line("mnist5k/a/weights", "train", 99.0, 999),
        '{"path": "results/mnist/cut sho',
    ]
    (tmp_path / "record.jsonl").write_text("\n".join(lines) + "\n")
    assert run_command("account record.jsonl results/mnist jobs.csv jobs.md") == 0
    jobs = pd.read_csv("jobs.csv")
    assert jobs.to_numpy().tolist() == [
        ["train", 2, 30.0, 50.0, 60.0, 500],
        ["evaluate", 1, 7.0, 7.0, 7.0, 300],
    ]
    assert "67 in all" in (tmp_path / "jobs.md").read_text()
    assert run_command("account record.jsonl results/parity other.csv other.md") == 1
    assert "record.jsonl says nothing of results/parity" in capsys.readouterr().err


def line(path, command, seconds, memory):
    cost = {"command": command, "processor_seconds": seconds, "memory_mb": memory}
    return json.dumps({"path": f"results/{path}", "sha256": "0", "made_by": {}, "cost": cost})
