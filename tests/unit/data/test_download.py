"""Downloading, from mirrors of this test's own: tried in order, checked, and whole or not at all."""

import gzip
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from mnist_vae.data import digits as data
from mnist_vae.errors import InputError
from support.command_line import listing
from support.small_mnist import NAMES, replace_published_files


@pytest.fixture
def small(monkeypatch):
    return replace_published_files(monkeypatch)


@pytest.fixture
def server(small, tmp_path, monkeypatch):
    """Mirrors by the first part of their path; `requests` notes what was asked of whom."""
    monkeypatch.delenv("MNIST_DIR", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.chdir(tmp_path)
    right = {f"{NAMES[name]}.gz": gzip.compress(content) for name, content in small.contents.items()}
    requests = []

    class Handler(BaseHTTPRequestHandler):
        def answer(self):
            _, mirror, file = self.path.split("/")
            requests.append((self.command, mirror, file))
            body = {
                "good": right[file],
                "html": b"<!DOCTYPE html><html>Please log in</html>",
                "truncated": right[file][:-12],
                "cut": right[file],
                "endless": right[file] + bytes(10_000_000),
            }.get(mirror)
            if body is None:
                return self.send_error(404)
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body[: len(body) // 2] if mirror == "cut" else body)
            return None

        do_GET = do_HEAD = answer

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        listening.requests = requests
        listening.mirror = lambda name: f"http://127.0.0.1:{listening.server_port}/{name}"
        yield listening
        listening.shutdown()


BAD = ["missing", "html", "truncated", "cut", "endless"]


def test_mirrors_are_tried_in_order_until_one_is_right(server, small):
    mirrors = [server.mirror(name) for name in [*BAD, "good", "never"]]
    found = data.obtain_mnist("", mirrors)
    for name, array in small.arrays.items():
        assert np.array_equal(found[name], array.reshape(found[name].shape))
    assert server.requests == [
        ("GET", mirror, f"{file}.gz") for file in NAMES.values() for mirror in [*BAD, "good"]
    ]
    assert listing(Path("resources/mnist")) == sorted(f"{name}.gz" for name in NAMES.values())


def test_what_was_downloaded_is_not_downloaded_again(server):
    data.obtain_mnist("", [server.mirror("good")])
    Path("resources/mnist", f"{NAMES['test_labels']}.gz").unlink()
    server.requests.clear()
    data.obtain_mnist("", [server.mirror("good")])
    assert server.requests == [("GET", "good", f"{NAMES['test_labels']}.gz")]
    data.obtain_mnist("", [])  # nor is any mirror needed any more


def test_total_failure_names_every_mirror_and_leaves_nothing(server):
    # The last one's port is closed: nothing answers there at all.
    mirrors = [*(server.mirror(name) for name in BAD), "http://127.0.0.1:9/closed"]
    with pytest.raises(InputError) as caught:
        data.obtain_mnist("", mirrors)
    lines = str(caught.value).splitlines()
    assert NAMES["train_images"] in lines[0]
    for mirror, line in zip(mirrors, lines[1:], strict=False):
        assert line.strip().startswith(mirror)
    assert "404" in lines[1]
    assert "SHA-256" in lines[2]
    assert "SHA-256" in lines[3]
    assert "sent more than" in lines[5]
    for way in ("mnist_dir", "MNIST_DIR", "resources/mnist", "mnist5k"):
        assert way in lines[-1]
    assert listing(Path("resources/mnist")) == []


def test_no_mirror_at_all(server):
    with pytest.raises(InputError, match="three ways"):
        data.obtain_mnist("", [])


def test_auto_is_mnist_where_a_mirror_answers(server, capsys):
    assert (
        data.resolve_dataset("auto", "", [server.mirror("missing"), server.mirror("good") + "/"]) == "mnist"
    )
    assert capsys.readouterr().err == ""
    assert {command for command, _, _ in server.requests} == {"HEAD"}  # asked, not downloaded
    assert not Path("resources").exists()


def test_auto_is_mnist5k_where_none_does(server, capsys):
    mirrors = [server.mirror("missing"), "http://127.0.0.1:9/closed"]
    assert data.resolve_dataset("auto", "", mirrors) == "mnist5k"
    assert "mnist5k" in capsys.readouterr().err
