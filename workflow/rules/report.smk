# The tables and the five questions as pages, for the report and on their own.
#
#   results/{dataset}/pages/{elbo,gaps,differences,questions}.html
#
# The report itself is Snakemake's: `make report`.

PAGE_TEMPLATE = of_checkout("workflow/mnist_vae/pages/templates/page.html")


rule elbo_page:
    input:
        markdown="results/{dataset}/tables/elbo.md",
        template=PAGE_TEMPLATE,
    output:
        page=report(
            "results/{dataset}/pages/elbo.html",
            caption="../report/elbo.rst",
            category="Part 2: training",
            labels=labels_of_all_models("-ELBO, table"),
        ),
    log:
        "results/{dataset}/logs/elbo_page.log",
    localrule: True
    conda:
        "../../envs/figures.yaml"
    threads: 1
    params:
        code=code("commands.build_page"),
    shell:
        "python -m mnist_vae build_page {input.markdown:q} {output.page:q} > {log:q} 2>&1"


use rule elbo_page as gaps_page with:
    input:
        markdown="results/{dataset}/tables/gaps.md",
        template=PAGE_TEMPLATE,
    output:
        page=report(
            "results/{dataset}/pages/gaps.html",
            caption="../report/gaps.rst",
            category="Part 5: beyond the reference",
            labels=labels_of_all_models("bounds and exact log p(x), table"),
        ),
    log:
        "results/{dataset}/logs/gaps_page.log",


use rule elbo_page as differences_page with:
    input:
        markdown="results/{dataset}/tables/differences.md",
        template=PAGE_TEMPLATE,
    output:
        page=report(
            "results/{dataset}/pages/differences.html",
            caption="../report/differences.rst",
            category="Part 5: beyond the reference",
            labels=labels_of_all_models("differences between recipes, table"),
        ),
    log:
        "results/{dataset}/logs/differences_page.log",


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
