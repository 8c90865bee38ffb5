"""The Julia reference's training, if there is a Julia: by Flux if that is installed, else by hand."""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np

from mnist_vae.benchmarks.workers import Worker
from mnist_vae.check.julia import find_julia


@contextmanager
def contender(images: np.ndarray, reference: Path, threads: int) -> Iterator[dict[str, Callable[[], int]]]:
    """Yield a worker of the project `reference` that trains on images (n, 784), by its name; or none."""
    if not (julia := find_julia([reference.resolve().parent])):
        yield {}
        return
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        path = Path(folder, "images.npy")
        np.save(path, images)
        worker = Worker(
            [julia, "--startup-file=no", f"--project={reference}", reference / "epochs.jl", path],
            os.environ | {"OPENBLAS_NUM_THREADS": str(threads)},
        )
        with closing(worker):
            yield {worker.answer(): worker}
