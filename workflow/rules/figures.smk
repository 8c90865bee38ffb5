# Every figure, drawn from stored files.
#
# mnist_vae/figures/table.py says what each is drawn from, its path, and how the report shows it; the module
# mnist_vae.figures.NAME draws it. A rule depends only on the code of its own figure.

from mnist_vae.figures.table import FIGURES, Source

# report/figure.rst finds the captions here. As params, they would redraw a figure whenever they are reworded.
config["captions"] = {figure: entry.caption for figure, entry in FIGURES.items()}


def labels(entry):
    """The report's labels for a figure."""
    if entry.source is Source.PICTURED_MODEL:
        return per_dataset(results.labels_of_pictured, entry.shown)
    return labels_of_all_models(entry.shown)


def labels_of_all_models(shown):
    """The report's labels for what shows every model."""
    return {"shown": shown, "recipe": "all", "n": "all", "seed": "all"}


def in_report(path, entry):
    """A figure's path, marked for the report if that shows it."""
    if not entry.category:
        return path
    return report(path, caption="../report/figure.rst", category=entry.category, labels=labels(entry))


for figure, entry in FIGURES.items():
    rule_name = f"{figure}_figure" if figure == entry.target else figure
    path = entry.path.replace("{figure}", figure)

    rule:
        name:
            rule_name
        input:
            arrays=lambda wildcards, figure=figure: told(results.drawn_from, wildcards.get("dataset"), figure),
        output:
            in_report(path, entry),
        log:
            str(Path(path).parents[-3] / f"logs/{rule_name}.log"),
        priority: int(entry.source is Source.PICTURED_MODEL)
        localrule: True
        conda:
            "../../envs/figures.yaml"
        threads: 1
        params:
            code=code("commands.draw", f"figures.{figure}"),
            figure=figure,
        shell:
            "python -m mnist_vae draw {params.figure} {output:q} {input.arrays:q} > {log:q} 2>&1"
