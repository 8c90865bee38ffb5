# The tables, the manifest and the five questions as pages, for the report and on their own.
#
#   results/{dataset}/pages/{elbo,gaps,differences,manifest,questions}.html
#
# The report itself is Snakemake's: `make report`.

PAGE_TEMPLATE = of_checkout("workflow/mnist_vae/pages/templates/page.html")


PAGES = {
    "elbo": ("tables/elbo.md", "Part 2: training", "-ELBO, table"),
    "gaps": ("tables/gaps.md", "Part 5: beyond the reference", "bounds and exact log p(x), table"),
    "differences": (
        "tables/differences.md",
        "Part 5: beyond the reference",
        "differences between recipes, table",
    ),
    "manifest": ("manifest.md", "Reproducibility", "files, and the versions that made them"),
}


for page, (markdown, category, shown) in PAGES.items():

    rule:
        name:
            f"{page}_page"
        input:
            markdown=f"results/{{dataset}}/{markdown}",
            template=PAGE_TEMPLATE,
        output:
            page=report(
                f"results/{{dataset}}/pages/{page}.html",
                caption=f"../report/{page}.rst",
                category=category,
                labels=labels_of_all_models(shown),
            ),
        log:
            f"results/{{dataset}}/logs/{page}_page.log",
        localrule: True
        conda:
            "../../envs/figures.yaml"
        threads: 1
        params:
            code=code("commands.build_page"),
        shell:
            "python -m mnist_vae build_page {input.markdown:q} {output.page:q} > {log:q} 2>&1"


rule questions_page:
    input:
        markdown=of_checkout("docs/questions.md"),
        third_question="results/{dataset}/tables/third_question.csv",
        template=PAGE_TEMPLATE,
    output:
        page=report(
            "results/{dataset}/pages/questions.html",
            caption="../report/questions.rst",
            category="Part 4: the bottom, given the top",
            labels=labels_of_all_models("the five questions"),
        ),
    log:
        "results/{dataset}/logs/questions_page.log",
    localrule: True
    conda:
        "../../envs/figures.yaml"
    threads: 1
    params:
        code=code("commands.build_page"),
    shell:
        "python -m mnist_vae build_page {input.markdown:q} {output.page:q} "
        "--third-question {input.third_question:q} > {log:q} 2>&1"
