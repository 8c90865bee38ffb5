"""Checkpoints: a training run that was killed resumes from its last one, and ends with the same bits.

A checkpoint holds all that later epochs depend on (weights, Adam's moments and step counts, the generator's
state), and the history and snapshots so far. Its identity says which run it belongs to: a run with other
options, images, code or software does not resume from it.
"""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mnist_vae.errors import InputError
from mnist_vae.files.storage import joined, load_arrays, load_provenance, parted, save_arrays
from mnist_vae.study.adam import Adam
from mnist_vae.study.history import Progress
from mnist_vae.study.networks import VAE, weight_arrays

INTERVAL = 30  # seconds between checkpoints; one takes about a tenth of a second


class Checkpoint:
    """The checkpoint file of one training run, which need not exist."""

    def __init__(self, path: Path, identity: Mapping[str, Any]) -> None:
        self.path = path
        self.identity = dict(identity)
        self.written = time.monotonic()

    def restore(self, vae: VAE, optimizer: Adam, generator: torch.Generator) -> Progress | None:
        """Restore model, optimizer and generator; None if there is no usable checkpoint."""
        if not self.path.exists():
            return None
        try:
            arrays, found = load_arrays(self.path), load_provenance(self.path)
        except InputError as error:
            print(f"the checkpoint is ignored: {error}")
            return None
        if found.get("identity") != self.identity:
            print(f"{self.path} is ignored: it belongs to another training run")
            return None
        sections = parted(arrays)
        vae.load_state_dict({name: torch.from_numpy(array) for name, array in sections["weights"].items()})
        for section, kept in _kept_by(optimizer).items():
            for name, tensor in kept.items():
                tensor.copy_(torch.from_numpy(sections[section][name]))
        generator.set_state(torch.from_numpy(sections["generator"]["state"]))
        snapshots = {int(section): named for section, named in sections.items() if section.isdigit()}
        return Progress(found["epoch"], found["history"], snapshots)

    def keep(self, vae: VAE, optimizer: Adam, generator: torch.Generator, progress: Progress) -> None:
        """Write a checkpoint if the last one is old enough."""
        if time.monotonic() < self.written + INTERVAL:
            return
        sections: dict[Any, dict[str, np.ndarray]] = {
            "weights": weight_arrays(vae),
            "generator": {"state": generator.get_state().numpy()},
        }
        for section, kept in _kept_by(optimizer).items():
            sections[section] = {name: tensor.cpu().numpy() for name, tensor in kept.items()}
        about = {"identity": self.identity, "epoch": progress.epoch, "history": progress.history}
        save_arrays(self.path, joined(sections | progress.snapshots), about)
        self.written = time.monotonic()

    def remove(self) -> None:
        """Remove the file."""
        self.path.unlink(missing_ok=True)


def _kept_by(optimizer: Adam) -> dict[str, dict[str, torch.Tensor]]:
    return {"moments": optimizer.moments, "squares": optimizer.squares, "steps": optimizer.steps}
