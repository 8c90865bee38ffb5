# Every figure: results/{dataset}/figures/{name}.png, drawn from stored files.
#
# mnist_vae/figures/table.py says of each what it is drawn from, and how the report shows it; the module
# mnist_vae.figures.NAME draws it. A rule depends on the code of its own figure alone.

from mnist_vae.figures.table import Source


def of_tables(file):
    """The given table, as a function of the data set."""
    return lambda wildcards: [f"results/{wildcards.dataset}/tables/{file}"]


FILES_OF = {
    Source.PICTURED_MODEL: of_pictured_model,
    Source.EVERY_MODEL: of_every_model,
    Source.FIRST_SEEDS: of_first_seeds,
    Source.TABLES: of_tables,
}


def drawn_from(entry):
    """The stored files that a figure is drawn from, as a function of the data set."""
    files = [FILES_OF[entry.source](file) for file in entry.files]

    def all_files(wildcards):
        return [path for of_dataset in files for path in of_dataset(wildcards)]

    return on_plane(f"the figure {entry.shown}", all_files) if entry.needs_plane else all_files


def drawn_if_shown(figure):
    """The same, but nothing for a figure that is left out."""
    files = drawn_from(FIGURES[figure])
    return lambda wildcards: files(wildcards) if figure in shown_figures(wildcards.dataset) else []


def figure_code(figure):
    """A hash of the library's modules on which a figure depends: a param of its rule."""
    return [*code("draw"), code_hash(f"mnist_vae.figures.{figure}")]


def of_one_model(shown):
    """The report's labels of what shows the pictured model, as a function of the data set."""

    def labels(wildcards):
        return {
            "shown": shown,
            "recipe": config["figures"]["recipe"],
            "n": str(pictured_size(wildcards.dataset)),
            "seed": str(config["figures"]["seed"]),
        }

    return labels


def of_all_models(shown):
    """The report's labels of what shows every model."""
    return {"shown": shown, "recipe": "all", "n": "all", "seed": "all"}


for figure, entry in FIGURES.items():
    labels_of = of_one_model if entry.source is Source.PICTURED_MODEL else of_all_models

    rule:
        name:
            figure
        input:
            arrays=drawn_from(entry),
        output:
            report(
                f"results/{{dataset}}/figures/{figure}.png",
                caption=f"../report/{figure}.rst",
                category=entry.category,
                labels=labels_of(entry.shown),
            ),
        log:
            f"results/{{dataset}}/logs/{figure}.log",
        localrule: True
        conda:
            "../../envs/figures.yaml"
        threads: 1
        params:
            code=figure_code(figure),
            figure=figure,
        shell:
            "python -m mnist_vae draw {params.figure} {output:q} {input.arrays:q} > {log:q} 2>&1"
