"""Observe a training run: which images its steps see, which networks change, and where the loss goes."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from mnist_vae.check.contract import PIXELS
from mnist_vae.check.process import SolutionError
from mnist_vae.check.reference import Array, Right
from mnist_vae.check.session import Session

EPOCHS = 3
MORE_EPOCHS = 20  # if the loss has not clearly fallen by then
EVALUATIONS = 10  # evaluations of the loss before and after training
NEARLY_ALL = 0.9  # share of the images that random batches reach together


@dataclass(frozen=True)
class Training:
    """An observed training run. `batches` are the indices of the images that the loss was given."""

    before: float
    after: float
    direction: int  # direction of the loss: -1, 0 or +1
    batches: list[list[int]]
    moved: frozenset[str]  # networks

    def is_that_of(self, world: Right, images: Array) -> bool:
        """Whether a computation trains like that. Batches are compared only if the loss was given any."""
        if world.training_direction != self.direction or world.trained != self.moved:
            return False
        expected = [list(range(len(batch))) for batch in world.epoch(images)]
        numbers = iter(range(len(images)))
        expected = [[next(numbers) for _ in batch] for batch in expected]
        return not self.batches or kind_of_epoch(self.batches, EPOCHS, len(images)) == kind_of_epoch(
            expected, 1, len(images)
        )


def kind_of_epoch(batches: list[list[int]], epochs: int, count: int) -> str:
    """Whether an epoch sees all of `count` images, some, at most half, or all in one batch."""
    if {len(batch) for batch in batches} == {count}:
        return "at once"
    # A loss that is computed twice for a batch still counts as one step.
    seen = sum(len(batch) for batch, _ in groupby(batches)) / epochs
    different = len({image for batch in batches for image in batch})
    if min(seen, different) <= count / 2:
        return "half"
    return "all" if seen >= count and different >= NEARLY_ALL * count else "some"


def observe_training(session: Session, name: str, measure: str) -> Training:
    """Let a solution train for some epochs, by its own loss (`measure` "loss") or a known one.

    Raises SolutionError with what the training raised, and LossError if the loss cannot be computed.
    """
    images, test = session.inputs.arguments["images"], session.inputs.arguments["test_images"][::2]
    marks = np.random.default_rng(0).standard_normal((3, PIXELS)).astype(session.dtype)
    given = session.give(images), session.give(test), marks

    def loss() -> tuple[float, float]:
        try:
            values = session.observe(measure, [images], EVALUATIONS, "own").value
        except SolutionError as error:
            raise LossError(str(error)) from error
        return float(values.mean()), float(values.std() / np.sqrt(EVALUATIONS - 1))

    def train(epochs: int) -> list[Array]:
        return session.ask(lambda host: host.train(name, epochs, measure, *given))

    def direction(after: float, error: float) -> int:
        step = 6 * float(np.hypot(error_before, error)) + 1e-3 * abs(before)
        return 0 if abs(after - before) < step else int(np.sign(after - before))

    before, error_before = loss()
    outputs = dict(network_outputs(session))
    marked = train(EPOCHS)
    after, error = loss()
    if np.isfinite(after) and direction(after, error) >= 0:
        # Adam's first steps may raise the loss, so its direction is judged after more epochs.
        train(MORE_EPOCHS)
        later, error_later = loss()
        if np.isfinite(later):
            after, error = later, error_later
    session.forget_own()
    moved = (
        network
        for network, output in network_outputs(session)
        if not np.array_equal(output, outputs.get(network, output))
    )
    way = direction(after, error) if np.isfinite(after) else 1
    return Training(before, after, way, found_batches(images @ marks.T, marked), frozenset(moved))


class LossError(SolutionError):
    """The loss by which a training is judged cannot be computed."""


def network_outputs(session: Session) -> Iterable[tuple[str, Array]]:
    """The outputs of the solution's own networks, as far as it defines them."""
    for name, argument in (("decoder", "z"), ("encoder", "x")):
        if name in session.defined:
            outputs = session.own_network(name, session.inputs.arguments[argument])
            yield name, np.concatenate([output.ravel() for output in outputs])


def found_batches(own: Array, marked: Iterable[Array]) -> list[list[int]]:
    """The indices of the images in each batch, by their marks (images, 3) and those of the batches (3, n)."""
    distances = [np.abs(own[:, None, :] - batch.T[None, :, :]).max(-1) for batch in marked]
    found = [[int(image) for image in each.argmin(0)[each.min(0) < 0.05]] for each in distances]
    return [batch for batch in found if batch]
