"""Input is never executed: no pickle, no eval, no unquoted value in a shell command."""

import ast
import re

import pytest

from support.project import ROOT

RULES = sorted((ROOT / "workflow/rules").glob("*.smk"))
CODE = sorted((ROOT / "workflow").rglob("*.py"))

# What may stand in a shell's command without :q, and why.
NUMBERS = {
    "threads": "Snakemake's, a number",
    "params.figure": "a figure's name, said in its rule",
    "params.snapshot_epochs": "whole numbers, by the schema",
    "params.images": "whole numbers, by the schema",
    "params.test_images": "a whole number, of the schema or of the data set",
    "params.draws": "whole numbers, by the schema",
    "params.rounds": "a whole number, by the schema",
    "params.training_images": "whole numbers, by the schema",
    "params.completions": "a whole number, by the schema",
}


def interpolated(text):
    """The contents of the braces in each shell command of a rules file."""
    for command in re.findall(r'^ +shell:\n((?: +".*\n)+)', text, re.MULTILINE):
        yield from re.findall(r"\{([^{}]+)\}", command)


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.name)
def test_no_value_reaches_a_shell_unquoted(path):
    text = path.read_text()
    assert text.count("shell:") == len(re.findall(r'^ +shell:\n((?: +".*\n)+)', text, re.MULTILINE))
    for value in interpolated(text):
        assert value.endswith(":q") or value in NUMBERS, f"{path.name}: {{{value}}} must be {{{value}:q}}"


def test_every_exception_is_in_use():
    used = {value for path in RULES for value in interpolated(path.read_text())}
    assert set(NUMBERS) <= used


def test_what_is_unquoted_is_found():
    text = '    shell:\n        "python {input.x:q} --n {params.y} "\n        "> {log}"\n'
    assert list(interpolated(text)) == ["input.x:q", "params.y", "log"]


MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "code"}
CALLS = {"eval", "exec", "compile", "__import__"}
ATTRIBUTES = {
    "torch.load",
    "torch.save",
    "yaml.load",
    "yaml.unsafe_load",
    "yaml.full_load",
    "os.system",
    "os.popen",
    "pd.read_pickle",
    "pd.eval",
}


def asks_a_frame(call):
    """Whether this may be pandas's `query`, which evaluates text; a k-d tree's takes coordinates."""
    receiver = getattr(call.func, "value", None)
    of_a_tree = isinstance(receiver, ast.Call) and ast.unparse(receiver.func) in ("cKDTree", "KDTree")
    return getattr(call.func, "attr", None) == "query" and not of_a_tree


def ways_in(tree):
    """What a module uses of these, by line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] in MODULES)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in MODULES:
            yield node.module
        elif isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if called in CALLS | ATTRIBUTES or called.endswith(".to_pickle"):
                yield called
            if asks_a_frame(node) and not isinstance(node.args[0], ast.Constant):
                yield called
            for keyword in node.keywords:
                if keyword.arg in ("shell", "allow_pickle") and ast.unparse(keyword.value) != "False":
                    yield f"{called}({keyword.arg}=...)"


@pytest.mark.parametrize("path", CODE, ids=lambda path: str(path.relative_to(ROOT / "workflow")))
def test_no_code_runs_what_it_reads(path):
    assert list(ways_in(ast.parse(path.read_text()))) == []


def test_ways_in_are_found():
    code = """
import pickle
from joblib import load
eval("1")
torch.load("x")
np.load("x", allow_pickle=True)
subprocess.run("ls", shell=True)
frame.to_pickle("x")
frame.query(text)
frame.query("seed == 1")
load_frame(path).query(text)
cKDTree(points).query(points)
np.load("x", allow_pickle=False)
"""
    assert len(list(ways_in(ast.parse(code)))) == 9
