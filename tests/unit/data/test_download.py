"""Downloads from local mirrors: tried in order, checked, and written whole or not at all."""

import gzip
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from mnist_vae.data import download
from mnist_vae.data.datasets import DATASETS
from mnist_vae.data.obtain import obtain, resolve_dataset
from mnist_vae.errors import InputError
from support.command_line import listing
from support.small_mnist import NAMES, replace_published_files


@pytest.fixture
def server(small, tmp_path, monkeypatch):
    """Mirrors by the first part of their path; `requests` lists the requests to each."""
    monkeypatch.delenv("MNIST_DIR", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.chdir(tmp_path)
    right = {f"{NAMES[name]}.gz": gzip.compress(content, mtime=0) for name, content in small.contents.items()}
    requests, stopped = [], threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def answer(self):
            _, mirror, file = self.path.split("/")
            requests.append((self.command, mirror, file))
            if mirror == "slow":
                stopped.wait(5)
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
        stopped.set()
        listening.shutdown()


BAD = ["missing", "html", "truncated", "cut", "endless"]


def test_mirrors_are_tried_in_order_until_one_is_right(server, small):
    mirrors = [server.mirror(name) for name in [*BAD, "good", "never"]]
    found = obtain(DATASETS["mnist"], None, mirrors)
    for name, array in small.arrays.items():
        assert np.array_equal(found[name], array.reshape(found[name].shape))
    assert server.requests == [
        ("GET", mirror, f"{file}.gz") for file in NAMES.values() for mirror in [*BAD, "good"]
    ]
    assert listing(Path("resources/mnist")) == sorted(f"{name}.gz" for name in NAMES.values())


def test_what_was_downloaded_is_not_downloaded_again(server):
    obtain(DATASETS["mnist"], None, [server.mirror("good")])
    Path("resources/mnist", f"{NAMES['test_labels']}.gz").unlink()
    server.requests.clear()
    obtain(DATASETS["mnist"], None, [server.mirror("good")])
    assert server.requests == [("GET", "good", f"{NAMES['test_labels']}.gz")]
    obtain(DATASETS["mnist"], None, [])  # nor is any mirror needed any more


def test_total_failure_names_every_mirror_and_leaves_nothing(server):
    # The last one's port is closed: nothing answers there at all.
    mirrors = [*(server.mirror(name) for name in BAD), "http://127.0.0.1:9/closed"]
    with pytest.raises(InputError) as caught:
        obtain(DATASETS["mnist"], None, mirrors)
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
        obtain(DATASETS["mnist"], None, [])


# --- what stands between this machine and a mirror --------------------------------------------------------


def stale_bundle(monkeypatch, server):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/ca.pem")
    return server.mirror("good").replace("http:", "https:"), ["OSError", "/nowhere/ca.pem"]


def no_tls(monkeypatch, server):
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    return server.mirror("good").replace("http:", "https:"), ["SSLError"]


def through(proxy, *said):
    def set_proxy(monkeypatch, server):
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("http_proxy", proxy)
        return server.mirror("good"), said

    return set_proxy


def address(mirror, *said):
    return lambda monkeypatch, server: (mirror, said)


TROUBLE = {
    "stale REQUESTS_CA_BUNDLE": stale_bundle,
    "no TLS at the other end": no_tls,
    "a proxy that is not there": through("http://127.0.0.1:9", "ProxyError", "refused"),
    "a proxy without a host": through("http://:80", "InvalidProxyURL"),
    "a proxy that cannot be parsed": through("http://[::1", ""),
    "a proxy of another kind": through("socks5://127.0.0.1:9", "SOCKS"),
    "a closed port": address("http://127.0.0.1:9/closed", "ConnectionError", "refused"),
    "no such host": address("http://no-such-host.invalid/mnist", "ConnectionError"),
    "no host": address("http:///mnist", "InvalidURL"),
    "a broken address": address("http://[::1/mnist", ""),
    "a label too long": address(f"http://{'a' * 70}.invalid/mnist", ""),
    "a port that is none": address("http://127.0.0.1:port/mnist", "InvalidURL"),
}


@pytest.mark.parametrize("trouble", TROUBLE)
def test_any_trouble_is_a_mirror_that_does_not_answer_and_why(server, monkeypatch, capsys, trouble):
    mirror, said = TROUBLE[trouble](monkeypatch, server)
    assert resolve_dataset("auto", None, [mirror]) == "mnist5k"
    (line,) = (line for line in capsys.readouterr().err.splitlines() if mirror in line)
    reason = line.split(f"{mirror}: ")[1]
    assert reason
    assert len(reason) < 200
    with pytest.raises(InputError, match="No mirror has a right") as caught:
        obtain(DATASETS["mnist"], None, [mirror])
    told = str(caught.value).splitlines()[1]
    assert told.strip().startswith(mirror)
    for word in said:
        assert word in reason
        assert word in told
    assert listing(Path("resources/mnist")) == []


def test_a_slow_mirror_is_given_up(server, monkeypatch, capsys):
    monkeypatch.setattr(download, "TIMEOUT", 0.05)
    assert resolve_dataset("auto", None, [server.mirror("slow"), server.mirror("good")]) == "mnist"
    assert resolve_dataset("auto", None, [server.mirror("slow")]) == "mnist5k"
    assert "timed out" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_is_no_mirror_s_fault(server):
    Path("resources").write_text("a file, where a folder should be")
    with pytest.raises(OSError, match="resources"):
        obtain(DATASETS["mnist"], None, [server.mirror("good")])


# --- auto -------------------------------------------------------------------------------------------------


def test_auto_is_mnist_where_a_mirror_answers(server, capsys):
    mirrors = [server.mirror("missing"), server.mirror("good") + "/"]
    assert resolve_dataset("auto", None, mirrors) == "mnist"
    assert capsys.readouterr().err == ""
    assert {command for command, _, _ in server.requests} == {"HEAD"}  # asked, not downloaded
    assert not Path("resources").exists()


def test_auto_is_mnist5k_where_none_does_and_says_why_of_each(server, capsys):
    mirrors = [server.mirror("missing"), "http://127.0.0.1:9/closed"]
    assert resolve_dataset("auto", None, mirrors) == "mnist5k"
    said = capsys.readouterr().err
    assert "using mnist5k" in said
    assert f"{mirrors[0]}: 404 Not Found" in said
    assert f"{mirrors[1]}: ConnectionError: [Errno 111] Connection refused" in said


def test_auto_without_mirrors(server, capsys):
    assert resolve_dataset("auto", None, []) == "mnist5k"
    assert "no mirror is configured" in capsys.readouterr().err


# --- sets whose published sums are of the compressed files ------------------------------------------------


@pytest.mark.parametrize("name", ["fashion_mnist", "kmnist"])
def test_a_packed_set_is_downloaded_and_checked(server, monkeypatch, name):
    small = replace_published_files(monkeypatch, DATASETS[name].published)
    found = obtain(DATASETS[name], None, [server.mirror("html"), server.mirror("good")])
    for part, array in small.arrays.items():
        assert np.array_equal(found[part], array.reshape(found[part].shape))
    assert listing(Path("resources", name)) == sorted(f"{file}.gz" for file in NAMES.values())
    Path("resources", name, f"{NAMES['test_labels']}.gz").unlink()
    with pytest.raises(InputError, match=rf"datasets\.{name}\.folder.*{name.upper()}_DIR.*resources/{name}"):
        obtain(DATASETS[name], None, [server.mirror("missing")])
