"""The bottom half of an image, given its top half."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from mnist_vae.figures.classes import class_names, image_title
from mnist_vae.figures.style import Q_COLOUR, origin, picture, show_image, top_half_only
from mnist_vae.files.storage import load_arrays, load_provenance


def draw(sources: Sequence[str]) -> Figure:
    """A row per image: the original, its visible top half, and that half joined to decoded bottoms.

    The bottoms are Bernoulli means at draws z ~ q, averaged over q, and averaged over the exact posterior or,
    from three latent dimensions on, over weighted draws of it.
    Source: what `complete_top_half` stored.
    """
    arrays, names = load_arrays(sources[0]), class_names(load_provenance(sources[0]))
    count, draws = arrays["completions"].shape[:2]
    exact = "exact_completion" in arrays
    titles = [
        "original", "given", *(f"draw {number}\nof z ~ q" for number in range(1, draws + 1)),
        "mean\nover q", "mean over\nexact\nposterior" if exact else "mean over\nweighted\ndraws",
    ]  # fmt: skip
    figure = Figure(figsize=(1.05 * len(titles) + 0.9, 1.05 * count + 1.2))
    grid = figure.subplots(count, len(titles), squeeze=False)
    for row, line in enumerate(grid):
        image = {name: array[row] for name, array in arrays.items() if len(array) == count}
        pictures = [
            image["x"], top_half_only(image["x"]), *image["completions"], image["q_completion"],
            image["exact_completion" if exact else "weighted_completion"],
        ]  # fmt: skip
        for axes, pixels in zip(line, pictures, strict=True):
            show_image(axes, pixels)
        for axes in line[1:]:
            axes.axhline(len(picture(image["x"])) / 2 - 0.5, color=Q_COLOUR, linewidth=0.8)
        name = names[image["labels"]] if "labels" in image else None
        split = "training" if image.get("training", False) else "test"
        title = image_title(f"{split}\nimage {image['indices']}", name)
        line[0].set_ylabel(title, rotation=0, ha="right", va="center")
    for axes, title in zip(grid[0], titles, strict=True):
        axes.set_title(title, fontsize=9)
    figure.suptitle(
        f"The bottom half, given the top half: Bernoulli means of the pixels\n{origin(sources[0])}"
    )
    return figure
