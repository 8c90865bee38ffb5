"""The files of a study: those that each target asks for, and those that each figure is drawn from."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from mnist_vae.config.models import train_sizes
from mnist_vae.errors import InputError
from mnist_vae.figures.table import FIGURES, STUDY_FIGURES, Source
from mnist_vae.plan.models import Model
from mnist_vae.plan.study import Study
from mnist_vae.provenance.manifest import load_manifest

TABLES = (
    *("metrics.csv", "elbo.csv", "elbo.md", "gaps.csv", "gaps.md", "differences.csv", "differences.md"),
    *("epochs.csv", "third_question.csv", "top_half_fits.csv"),
)
PAGES = ("explorer", "pages/elbo", "pages/gaps", "pages/differences", "pages/questions")
MANIFEST_PAGE = "pages/manifest"  # which lists the others
BENCHMARKS = ("ratios", "processes", "commands", "jobs")
OF_EVERY_MODEL = ("weights.safetensors", "history.csv", "snapshots.safetensors", "metrics.csv")
OF_FIRST_SEEDS = ("epochs.csv", "weighted_draws.csv")
OF_PICTURED_MODEL = (
    *("prior_samples", "reconstructions", "interpolation", "latent_manifold"),
    *("top_half_fit", "top_half"),
)
WITHOUT_EFFECT = {
    "dataset",
    "datasets",
    "mnist_dir",
    "mirrors",
    "parity",
    "benchmarks",
    "inference",
}  # on results
SHOWN_CHANGES = 3  # configuration changes shown in one notice


class Results:
    """The files of a study, by data set; figures and pages of a latent plane only if there is one."""

    def __init__(self, study: Study) -> None:
        self.study = study

    def tables(self, dataset: str) -> list[str]:
        """The tables."""
        return [f"results/{dataset}/tables/{table}" for table in TABLES]

    def figures(self, dataset: str) -> list[str]:
        """The figures of the target `figures`."""
        return [f"results/{dataset}/figures/{name}.png" for name in self.shown(dataset, STUDY_FIGURES)]

    def pages(self, dataset: str) -> list[str]:
        """The pages, the manifest's last."""
        return [f"results/{dataset}/{page}.html" for page in (*self.shown(dataset, PAGES), MANIFEST_PAGE)]

    def benchmarks(self, dataset: str) -> list[str]:
        """The tables of timings, and their figure."""
        folder = f"results/{dataset}/benchmarks"
        tables = [f"{folder}/{name}.{suffix}" for name in BENCHMARKS for suffix in ("csv", "md")]
        return [*tables, f"{folder}/timings.png"]

    def latents(self, dataset: str) -> list[str]:
        """Table and figure over the latent dimension and, if there are sums, estimates against them."""
        names = ["tables/latents.csv", "figures/latents.png"]
        if self.study.summed_models(dataset):
            names.append("tables/estimates.csv")
        return [f"results/{dataset}/{name}" for name in names]

    def inference(self, dataset: str) -> list[str]:
        """Table and figure of methods of inference. Raises InputError where no model has a plane."""
        if not self.study.compared_models(dataset):
            raise InputError(f"{dataset}: no recipe has latent = 2, for which posteriors are exact")
        return [f"results/{dataset}/{name}" for name in ("tables/inference.csv", "figures/inference.png")]

    def all(self, dataset: str) -> list[str]:
        """Every file that is computed on a data set, each after those that it is made from."""
        study = self.study
        pictured = self.shown(dataset, OF_PICTURED_MODEL)
        return [
            f"results/{dataset}/data/grey.safetensors",
            f"results/{dataset}/data/binarized.safetensors",
            *[model.file(file) for file in OF_EVERY_MODEL for model in study.models(dataset)],
            *[model.file(file) for file in OF_FIRST_SEEDS for model in study.first_seeds(dataset)],
            *[model.file("latents.safetensors") for model in self.encoded_models(dataset)],
            *[study.pictured_model(dataset).file(f"{name}.safetensors") for name in pictured],
            *self.tables(dataset),
            *self.figures(dataset),
            *self.pages(dataset)[:-1],
        ]

    def encoded_models(self, dataset: str) -> list[Model]:
        """The models whose training images are encoded: the pictured one, and those of the explorer."""
        if "explorer" in self.left_out(dataset):
            return self.study.pictured(dataset)
        return self.study.models_on_the_page(dataset)

    def drawn_from(self, dataset: str, figure: str) -> list[str]:
        """The stored files that a figure is drawn from.

        Raises InputError if it shows a latent plane and the pictured model has none.
        """
        entry = FIGURES[figure]
        if entry.source is Source.FILES:
            return [file.format(dataset=dataset) for file in entry.files]
        if entry.needs_plane:
            self.study.check_plane(self.study.pictured_model(dataset), f"the figure {entry.shown}")
        models = {
            Source.PICTURED_MODEL: self.study.pictured,
            Source.EVERY_MODEL: self.study.models,
            Source.FIRST_SEEDS: self.study.first_seeds,
            Source.SUMMED_MODELS: self.study.summed_models,
            Source.COMPARED_MODELS: self.study.compared_models,
        }[entry.source](dataset)
        return [model.file(file) for file in entry.files for model in models]

    def drawn_from_if_shown(self, dataset: str, figure: str) -> list[str]:
        """The files that a figure is drawn from; none for a figure that is left out."""
        return [file for name in self.shown(dataset, [figure]) for file in self.drawn_from(dataset, name)]

    def shown(self, dataset: str, names: Iterable[str]) -> list[str]:
        """Those of these figures, pages or arrays that are not left out."""
        left_out = self.left_out(dataset)
        return [name for name in names if name not in left_out]

    def left_out(self, dataset: str) -> set[str]:
        """The figures and pages of a latent plane, if the pictured model has none."""
        if self.study.latent(self.study.pictured_model(dataset)) == 2:
            return set()
        return {"explorer", *(name for name, entry in FIGURES.items() if entry.needs_plane)}

    def notices(self, dataset: str) -> list[str]:
        """Sentences to show before a run: what is left out, and what will be replaced."""
        notices = []
        if left_out := self.left_out(dataset):
            dimensions = self.study.latent(self.study.pictured_model(dataset))
            notices.append(
                f"The pictured model has {dimensions} latent dimension{'s' * (dimensions > 1)}; left out, "
                f"as they show a latent plane: {', '.join(sorted(left_out))}. "
                "figures.recipe names another model."
            )
        manifest = Path(f"results/{dataset}/manifest.json")
        if manifest.exists() and (changes := self.changes(dataset, load_manifest(manifest)["config"])):
            shown = [*changes[:SHOWN_CHANGES], f"{len(changes) - SHOWN_CHANGES} more"]
            notices.append(
                f"results/{dataset} was made with other settings: "
                f"{'; '.join(changes if len(changes) <= SHOWN_CHANGES else shown)}. This run replaces its "
                "tables, figures and pages, and the models whose own settings changed; it keeps the others. "
                "To come back, run with the earlier settings again."
            )
        return notices

    def changes(self, dataset: str, earlier: Mapping[str, Any]) -> list[str]:
        """How the configuration of a data set's results differs from an earlier one, one phrase per key."""
        before, now = _leaves(earlier), _leaves(json.loads(json.dumps(self.configuration(dataset))))
        return [
            f"{key} was {before.get(key, 'not set')} and is {now.get(key, 'not set')}"
            for key in sorted(before.keys() | now.keys())
            if before.get(key) != now.get(key)
        ]

    def labels_of_pictured(self, dataset: str, shown: str) -> dict[str, str]:
        """The report's labels for what shows the pictured model."""
        model = self.study.pictured_model(dataset)
        return {"shown": shown, "recipe": model.recipe, "n": str(model.n), "seed": str(model.seed)}

    def configuration(self, dataset: str) -> dict[str, Any]:
        """The configuration on which the results depend, in which each recipe has its seeds and sizes."""
        described, config = self.study.dataset(dataset), self.study.config
        found = {key: config[key] for key in config.keys() - WITHOUT_EFFECT - {"seeds", "train_sizes"}}
        found["recipes"] = {
            name: recipe | {"train_sizes": train_sizes(recipe, described)}
            for name, recipe in self.study.recipes.items()
        }
        if files := self.study.files_of_own(dataset):
            found["data"] = {"files": files, "threshold": described.threshold, "classes": described.classes}
        return found


def _leaves(config: Mapping[str, Any], section: str = "") -> dict[str, Any]:
    """The values of a configuration by their full keys, such as `recipes.strong.decay`."""
    found: dict[str, Any] = {}
    for key, value in config.items():
        found |= (
            _leaves(value, f"{section}{key}.") if isinstance(value, Mapping) else {f"{section}{key}": value}
        )
    return found
