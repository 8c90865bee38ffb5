"""What the site shows beside docs/: the repository's other pages, the last run, and the API reference.

Links that lead to a page of the site stay links. A link to another file of the repository loses its address
and keeps its text, since the site holds no sources.
"""

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.nav import Navigation, Section
from mkdocs.structure.pages import Page

from mnist_vae.pages.markdown import breakable, minus_signs

ROOT = Path(__file__).parents[1]
PAGES = {
    "README.md": "overview.md",  # MkDocs takes a README for its folder's index, and there is one
    "config/README.md": "configuration.md",
    "results/README.md": "results.md",
    "reference_julia/README.md": "julia.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
}
ROOMS = [
    *("study", "exact", "data", "files", "figures", "pages", "parity", "check", "benchmarks"),
    *("config", "provenance"),
]
# A number that is quoted with the cell it comes from, and whose table stands in docs/tables.
QUOTED = re.compile(r"(?P<number>[-−]?[\d,]*\d(?:\.\d+)?)<!-- (?P<source>(?P<table>[\w.]+)\[.*?) -->")
LINK = re.compile(r"(?P<text>!?\[(?:[^\[\]]|\[[^\]]*\])*\])\((?P<target>[^()\s]+)\)")


def last_run() -> Path:
    """The folder of the data set whose explorer was built last. Raises PluginError if there is none."""
    explorers = sorted((ROOT / "results").glob("*/explorer.html"), key=lambda path: path.stat().st_mtime)
    if not explorers:
        raise PluginError("results/ holds no run to show: make run, then make site")
    return explorers[-1].parent


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the repository's other pages, the results of the last run, and a page for each room."""
    for path, uri in PAGES.items():
        files.append(File.generated(config, uri, abs_src_path=str(ROOT / path)))
    run = last_run()
    for pattern in ("explorer.html", "report.html", "pages/*.html", "figures/*.png"):
        for path in sorted(run.glob(pattern)):
            files.append(
                File.generated(
                    config,
                    f"run/{path.relative_to(run).as_posix()}",
                    abs_src_path=str(path),
                    inclusion=InclusionLevel.NOT_IN_NAV,
                )
            )
    for room in ROOMS:
        files.append(File.generated(config, f"reference/{room}.md", content=_room(room)))
    return files


def _room(room: str) -> str:
    folder = ROOT / "workflow/mnist_vae" / room
    modules = [path.stem for path in sorted(folder.glob("*.py")) if path.stem != "__init__"]
    # A module may be called like a function of its own; headings, and with them landmarks, may not.
    options = "    options: {{heading: {0}.py, toc_label: {0}.py}}"
    shown = [f"::: mnist_vae.{room}.{module}\n{options.format(module)}" for module in modules]
    return "\n\n".join([f"# {room}", *shown]) + "\n"


def on_nav(nav: Navigation, config: MkDocsConfig, files: Files) -> Navigation:
    """Add the API reference at the end."""
    reference = [
        file.page or Page(None, file, config)
        for file in files.documentation_pages()
        if file.src_uri.startswith("reference/")
    ]
    nav.items.append(Section("Library", reference))
    nav.pages.extend(page for page in reference if page not in nav.pages)
    return nav


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Let links lead to pages of the site, and quoted numbers to their tables; others become plain text."""
    here = page.file.src_uri
    path = next((path for path, uri in PAGES.items() if uri == here), f"docs/{here}")

    def relinked(found: re.Match) -> str:
        target, hash_sign, anchor = found["target"].partition("#")
        if not target or ":" in target:
            return found[0]
        named = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
        uri = PAGES.get(named, named.removeprefix("docs/"))
        if files.get_file_from_path(uri) is None:
            return found["text"].strip("![]")
        return f"{found['text']}({posixpath.relpath(uri, posixpath.dirname(here) or '.')}{hash_sign}{anchor})"

    def linked(found: re.Match) -> str:
        table = posixpath.relpath(f"tables/{found['table']}", posixpath.dirname(here) or ".")
        return f'<a class="number" href="{table}" title="{found["source"]}">{found["number"]}</a>'

    return QUOTED.sub(linked, LINK.sub(relinked, minus_signs(markdown)))


def on_page_content(html: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Let the names of files and functions break at their joints, not anywhere."""
    inline = re.compile(r"(?<!</span>)(<code>)([^<]+)(</code>)")
    return inline.sub(lambda code: code[1] + breakable(code[2]) + code[3], html)
