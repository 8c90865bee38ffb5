"""Convert notebooks to scripts: code cells in order, without magics and shell lines."""

import ast
import re

from mnist_vae.errors import InputError

CELL = "# --- cell "  # line at the start of a cell, by which host.py locates errors
LANGUAGES = {"python": ".py", "julia": ".jl"}
KEPT = ("time", "timeit", "capture", "prun", "matplotlib")  # magics whose cells are run as code
MAGIC = re.compile(r"^\s*(?:%|!|\?)|^\s*[\w.]+\?{1,2}\s*$")
SHOWN, SHOWN_LENGTH = 3, 60  # number of left-out lines shown, and of characters of each
ASSIGNED = re.compile(r"^(\s*[\w, ]+=\s*)[!%].*$")


def from_notebook(text: str) -> tuple[str, str, tuple[str, ...]]:
    """A notebook's script, its suffix, and sentences about what was left out.

    Raises InputError, whose message continues a sentence, if it is damaged or in another language.
    """
    import nbformat

    try:
        notebook = nbformat.reads(text, as_version=4)
        cells = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    except Exception as error:  # nbformat may raise anything for a damaged file
        raise InputError(f"cannot be read ({type(error).__name__})") from error
    about = notebook.metadata
    language = about.get("kernelspec", {}).get("language") or about.get("language_info", {}).get("name")
    language = (language or "python").lower()
    if language not in LANGUAGES:
        raise InputError(f"is in {language}; Python and Julia are understood")
    left_out: list[str] = []
    lines: list[str] = []
    for number, cell in enumerate(cells, 1):
        plain = plain_cell(cell, left_out) if language == "python" else cell.split("\n")
        lines += [f"{CELL}{number}", *plain]
    return "\n".join([*lines, ""]), LANGUAGES[language], sentence(left_out)


def plain_cell(cell: str, left_out: list[str]) -> list[str]:
    """A cell's lines, in which magics and shell lines become `pass`, or None where they are assigned."""
    lines = cell.split("\n")
    if lines[0].startswith("%%") and lines[0][2:].split()[:1] and lines[0][2:].split()[0] not in KEPT:
        left_out.append(lines[0])
        return [f"# {line}" for line in lines]
    plain = []
    for line in lines:
        if MAGIC.match(line):
            left_out.append(line.strip())
            plain.append(f"{line[: len(line) - len(line.lstrip())]}pass  # {line.strip()}")
        elif found := ASSIGNED.match(line):
            left_out.append(line.strip())
            plain.append(f"{found[1]}None  # {line.strip()}")
        else:
            plain.append(line)
    return plain


def from_export(text: str) -> tuple[str, tuple[str, ...]]:
    """A script exported from a notebook, without magics and shell lines; line numbers stay the same."""
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return text, ()  # its process reports the error
    lines = text.encode().splitlines(keepends=True)
    left_out: list[str] = []
    for call in [node for node in ast.walk(tree) if isinstance(node, ast.Call) and is_magic(node)][::-1]:
        words = [word.value for word in call.args if isinstance(word, ast.Constant)]
        if len(words) == 3 and words[0] in KEPT:  # the code of a whole cell
            instead = f"exec({words[2]!r})"
        else:
            instead = "None"
            left_out.insert(0, ast.unparse(call))
        first, last = call.lineno - 1, (call.end_lineno or call.lineno) - 1
        before, after = lines[first][: call.col_offset], lines[last][call.end_col_offset :]
        lines[first : last + 1] = [before + instead.encode() + after, *[b"\n"] * (last - first)]
    return b"".join(lines).decode(), sentence(left_out)


def is_magic(call: ast.Call) -> bool:
    """Whether a call is `get_ipython().something(...)`, as which magics and shell lines are exported."""
    of = call.func.value if isinstance(call.func, ast.Attribute) else None
    return isinstance(of, ast.Call) and isinstance(of.func, ast.Name) and of.func.id == "get_ipython"


def sentence(left_out: list[str]) -> tuple[str, ...]:
    """Say what was left out."""
    if not left_out:
        return ()
    shown = ", ".join(f"`{line[:SHOWN_LENGTH]}`" for line in left_out[:SHOWN])
    more = f" and {len(left_out) - SHOWN} more" if len(left_out) > SHOWN else ""
    return (f"Left out of the notebook: {shown}{more}.",)
