"""The record of what made which file, and the manifest, which still tells it after an upgrade."""

import json
import subprocess
import threading
from pathlib import Path

import pytest

from mnist_vae.__main__ import main
from mnist_vae.errors import InputError
from mnist_vae.files.storage import whole_file
from mnist_vae.provenance import record, software
from mnist_vae.provenance.manifest import differences, make_manifest, manifest_markdown


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder of results, with the record beside it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(record.RECORD, "results/record.jsonl")
    return Path("results/mnist5k")


def write(monkeypatch, path, content, torch):
    """Make a file with a given version of a library."""
    monkeypatch.setattr(record, "software", lambda: {"torch": torch})
    with whole_file(path) as temporary:
        temporary.write_text(content)
    record.add_to_records("binarize", [path])


def listed(folder, *names):
    return make_manifest(folder, [str(folder / name) for name in names], {})


def test_after_an_upgrade_old_files_keep_their_versions(folder, monkeypatch):
    write(monkeypatch, folder / "weights", "w", "1")
    write(monkeypatch, folder / "table", "t", "1")
    write(monkeypatch, folder / "table", "u", "2")
    manifest = listed(folder, "weights", "table")
    assert [manifest["software"][file["software"]]["torch"] for file in manifest["files"]] == ["1", "2"]
    page = manifest_markdown(manifest)
    assert "## Software 1: it made 1 of 2 files" in page
    assert "## Software 2: it made 1 of 2 files" in page
    assert f"| table | 2 | `{manifest['files'][1]['sha256']}` |" in page


def test_a_file_put_there_by_hand_is_of_unknown_software(folder, monkeypatch):
    write(monkeypatch, folder / "table", "t", "1")
    (folder / "table").write_text("edited")
    manifest = listed(folder, "table")
    assert manifest["files"][0]["software"] is None
    assert "| table | unknown |" in manifest_markdown(manifest)


def test_same_bits_by_newer_software_are_the_newers(folder, monkeypatch):
    for torch in ("1", "2"):
        write(monkeypatch, folder / "table", "t", torch)
    assert listed(folder, "table")["software"] == [{"torch": "2"}]


def test_a_line_cut_short_is_left_out(folder, monkeypatch):
    write(monkeypatch, folder / "a", "a", "1")
    with open("results/record.jsonl", "a") as file:
        file.write('{"path": "a", "sha')
    found = record.read_records()
    assert [path for path, _ in found] == [str(folder / "a")]


def test_a_file_from_the_cache_is_what_was_put_there(folder, tmp_path, monkeypatch):
    """Its versions come from the cache's record, by which a changed table is noticed."""
    write(monkeypatch, folder / "table", "t", "1")
    (tmp_path / "results/record.jsonl").rename(tmp_path / "cache.jsonl")
    (folder / "table").rename(tmp_path / "entry")
    (folder / "table").symlink_to(tmp_path / "entry")
    monkeypatch.setenv(record.RECORD, f"results/record.jsonl:{tmp_path}/cache.jsonl")
    assert listed(folder, "table")["software"] == [{"torch": "1"}]
    (tmp_path / "entry").write_text("")
    with pytest.raises(InputError, match=r"table is not what was put into .* as .*entry\. Delete both"):
        listed(folder, "table")


def test_no_record_no_versions(folder, monkeypatch):
    folder.mkdir(parents=True)
    (folder / "a").write_text("a")
    assert listed(folder, "a")["files"][0]["software"] is None


def test_jobs_at_the_same_time_do_not_mix_their_lines(folder, monkeypatch):
    monkeypatch.setattr(record, "software", lambda: {"torch": "1" * 500})
    paths = [folder / str(number) for number in range(40)]
    for path in paths:
        with whole_file(path) as temporary:
            temporary.write_text(path.name)
    threads = [threading.Thread(target=record.add_to_records, args=("train", [path])) for path in paths]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(record.read_records()) == 40


def test_commands_record_what_they_wrote_where_asked_to(folder, monkeypatch, small_digits):
    command = ["binarize", str(small_digits.grey), "results/binarized.safetensors"]
    monkeypatch.delenv(record.RECORD)
    assert main(command) == 0
    assert not (folder.parent / "record.jsonl").exists()
    monkeypatch.setenv(record.RECORD, "results/record.jsonl")
    assert main(command) == 0
    (path,) = {path for path, _ in record.read_records()}
    assert path == "results/binarized.safetensors"
    cost = json.loads((folder.parent / "record.jsonl").read_text())["cost"]
    assert cost["command"] == "binarize"
    assert cost["processor_seconds"] > 0
    assert cost["memory_mb"] > 10
    assert cost["started"] <= cost["ended"]
    assert cost["cores"] >= 1


def test_files_of_one_manifest_alone_differ():
    one = {"files": [{"path": "a", "sha256": "1"}, {"path": "b", "sha256": "1"}]}
    other = {"files": [{"path": "c", "sha256": "1"}, {"path": "a", "sha256": "1"}]}
    assert differences(one, other) == [
        "b is not in the earlier manifest",
        "c is in the earlier manifest alone",
    ]
    assert differences(one, one) == []


def test_commit_of_a_checkout_and_of_none(tmp_path, monkeypatch):
    package = tmp_path / "workflow/mnist_vae"
    package.mkdir(parents=True)
    (package / "software.py").write_text("# a module\n")
    monkeypatch.setattr(software, "__file__", str(package / "software.py"))

    def git(*words):
        settings = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
        subprocess.run(["git", "-C", tmp_path, *settings, *words], check=True, capture_output=True)

    assert software.commit() is None
    git("init")
    assert software.commit() is None  # somebody's repository, but not the module's
    git("add", ".")
    git("commit", "-m", "first")
    assert len(software.commit()) == 40
    (package / "software.py").write_text("# edited\n")
    assert software.commit().endswith("-dirty")


def test_versions_of_what_is_installed_and_what_is_not():
    found = software.versions(("torch", "no-such-package"))
    assert found["torch"].startswith("2.")
    assert found["no-such-package"] is None
    assert json.dumps(found | {"processor": software.processor()})
