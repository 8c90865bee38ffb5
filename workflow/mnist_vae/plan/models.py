"""A model's name: its data set, recipe, train size and seed, and the folder that they make."""

from typing import NamedTuple

from mnist_vae.errors import InputError

MODEL = "results/{dataset}/models/{recipe}/n{n}/seed{seed}"


class Model(NamedTuple):
    """One model of the study, trained or not."""

    dataset: str
    recipe: str
    n: int
    seed: int

    @classmethod
    def named(cls, dataset: str, recipe: str, n: str, seed: str) -> "Model":
        """Return the model that the parts of a path name.

        Raises InputError where a number is written otherwise than in the model's own path: `n0100` would
        train the model of `n100` a second time.
        """
        model = cls(dataset, recipe, int(n), int(seed))
        if (n, seed) != (str(model.n), str(model.seed)):
            raise InputError(f"n{n}/seed{seed} is not how this model's folder is named: it is {model.folder}")
        return model

    @property
    def folder(self) -> str:
        """The folder of the model's files."""
        return MODEL.format(**self._asdict())

    def file(self, name: str) -> str:
        """The path of one of the model's files."""
        return f"{self.folder}/{name}"
