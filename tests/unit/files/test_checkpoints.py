"""Training that stops anywhere resumes from its own checkpoint only, with the same bits."""

import random
import subprocess
import sys
import time

import pytest

from mnist_vae.commands import train
from mnist_vae.errors import InputError
from mnist_vae.files import checkpoints
from mnist_vae.files.storage import load_provenance
from support.command_line import listing, run_command

EPOCHS = 8
OUTPUTS = ("weights.safetensors", "history.csv", "snapshots.safetensors")
STRONG = "--decay 0.5 --latent-layer-rate 3 --augmentation 1 --hidden 40 --latent 3 --beta 2"
# A checkpoint after every epoch, and the command line; on one thread, as the tests' own process.
IMPATIENT = (
    "import sys, torch; torch.set_num_threads(1); "
    "from mnist_vae import __main__; from mnist_vae.files import checkpoints; "
    "checkpoints.INTERVAL = 0; sys.exit(__main__.main())"
)


class Interruption(BaseException):
    """Stops a training run in the middle, as KeyboardInterrupt does."""


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    monkeypatch.setattr(checkpoints, "INTERVAL", 0)


def words(digits, folder, more="", epochs=EPOCHS, rate=0.002):
    files = " ".join(str(folder / name) for name in OUTPUTS)
    return (
        f"train {digits.binarized} {digits.grey} {files} --snapshot-epochs 2 5 --recipe r --n 150 --seed 3 "
        f"--epochs {epochs} --batch-size 40 --learning-rate {rate} {more}"
    )


def outputs(folder):
    return {name: (folder / name).read_bytes() for name in OUTPUTS}


def stop_after(monkeypatch, epoch):
    """Make the next training run stop once the given epoch's checkpoint is written."""
    keep = checkpoints.Checkpoint.keep

    def keep_and_stop(self, vae, optimizer, generator, progress):
        keep(self, vae, optimizer, generator, progress)
        if progress.epoch == epoch:
            raise Interruption

    monkeypatch.setattr(checkpoints.Checkpoint, "keep", keep_and_stop)


def stopped(monkeypatch, digits, folder, epoch=3, more=""):
    """Stop a training after an epoch; return its checkpoint's path."""
    with monkeypatch.context() as patch:
        stop_after(patch, epoch)
        with pytest.raises(Interruption):
            run_command(words(digits, folder, more))
    assert listing(folder) == [train.CHECKPOINT]
    return folder / train.CHECKPOINT


@pytest.fixture(scope="module")
def undisturbed(small_digits, tmp_path_factory):
    """The outputs of uninterrupted training runs, by their further options; no checkpoint is written."""
    found = {}
    for more in ("", STRONG):
        folder = tmp_path_factory.mktemp("undisturbed")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(checkpoints, "INTERVAL", 1e9)
            assert run_command(words(small_digits, folder, more)) == 0
        found[more] = outputs(folder)
    return found


@pytest.mark.parametrize("more", ["", STRONG])
@pytest.mark.parametrize("epoch", [1, 2, 5, EPOCHS])
def test_a_training_that_goes_on_ends_with_the_same_bits(
    small_digits, tmp_path, monkeypatch, undisturbed, capsys, epoch, more
):
    stopped(monkeypatch, small_digits, tmp_path, epoch, more)
    assert run_command(words(small_digits, tmp_path, more)) == 0
    assert f"resuming from the checkpoint after epoch {epoch}/{EPOCHS}" in capsys.readouterr().out
    assert outputs(tmp_path) == undisturbed[more]
    assert listing(tmp_path) == sorted(OUTPUTS)  # the checkpoint is gone


def test_writing_checkpoints_changes_no_bit(small_digits, tmp_path, undisturbed):
    assert run_command(words(small_digits, tmp_path)) == 0
    assert outputs(tmp_path) == undisturbed[""]


@pytest.mark.parametrize("other", ["options", "images", "code", "software", "damaged", "older format"])
def test_another_trainings_checkpoint_is_replaced(
    small_digits, tmp_path, monkeypatch, undisturbed, capsys, other
):
    path = stopped(monkeypatch, small_digits, tmp_path, more="--seed 4" if other == "options" else "")
    if other == "images":
        monkeypatch.setattr(train, "file_hash", lambda _: "other images")
    if other == "code":
        monkeypatch.setattr(train, "code_hash", lambda _: "other code")
    if other == "software":
        monkeypatch.setattr(train, "versions", lambda _: {"torch": "1.0"})
    if other == "damaged":
        content = bytearray(path.read_bytes())
        content[-1000] ^= 1
        path.write_bytes(content)
    if other == "older format":
        path.write_bytes(b"an older format")
    assert run_command(words(small_digits, tmp_path)) == 0
    assert "is ignored" in capsys.readouterr().out
    assert outputs(tmp_path) == undisturbed[""]
    assert listing(tmp_path) == sorted(OUTPUTS)


def test_identity_holds_every_option_but_paths(small_digits, tmp_path, monkeypatch):
    path = stopped(monkeypatch, small_digits, tmp_path, more=STRONG)
    options = load_provenance(path)["identity"]["options"]
    assert options["snapshot_epochs"] == [2, 5]
    for name, value in {"n": 150, "seed": 3, "decay": 0.5, "augmentation": 1, "learning_rate": 0.002}.items():
        assert options[name] == value
    assert str(tmp_path) not in str(options)


def test_a_diverging_training_leaves_nothing(small_digits, tmp_path, capsys):
    """Not even a checkpoint, from which it would diverge again, though every earlier epoch had one."""
    assert run_command(words(small_digits, tmp_path, epochs=50, rate=1e3)) == 1
    said = capsys.readouterr().err
    assert "training diverged: epoch" in said
    assert "with a loss of" in said
    assert listing(tmp_path) == []


def test_wrong_input_is_still_an_error(small_digits, tmp_path):
    with pytest.raises(InputError, match="200 train images, 9000"):
        train.run(_options(words(small_digits, tmp_path).replace("--n 150", "--n 9000").split()[1:]))


def _options(arguments):
    from argparse import ArgumentParser

    parser = ArgumentParser()
    train.add_arguments(parser)
    return parser.parse_args(arguments)


def test_killed_at_random_moments_the_bits_are_the_same(small_digits, tmp_path, undisturbed):
    """SIGKILL five times in a row; each run resumes where the last one stopped, and the last one finishes."""
    command = [sys.executable, "-c", IMPATIENT, *words(small_digits, tmp_path, STRONG).split()]
    chance = random.Random(0)
    for _ in range(5):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        before = _epoch(tmp_path)
        while process.poll() is None and _epoch(tmp_path) == before:
            time.sleep(0.01)  # until it is at work
        time.sleep(chance.uniform(0, 0.05))
        process.kill()
        process.wait()
    last = subprocess.run(command, capture_output=True, text=True)
    assert last.returncode == 0, last.stderr
    assert outputs(tmp_path) == undisturbed[STRONG]


def _epoch(folder):
    """The epoch of the checkpoint, which may be replaced while it is read, but never partly."""
    path = folder / train.CHECKPOINT
    try:
        return load_provenance(path)["epoch"]
    except InputError:
        return None
