"""Web servers that know no ranges, or tell no sizes: right bytes or an error, never others."""

import functools
import os
import random
import threading
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from fsspec.callbacks import Callback

from opendalfs import OpendalFileSystem

PART = 64 * 1024
CONTENT = random.Random(10).randbytes(20 * PART + 11)
FILES = {"empty": b"", "byte": b"x", "short": CONTENT[:1000], "part": CONTENT[:PART]}
FILES |= {"more": CONTENT[: PART + 1], "long": CONTENT}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def handle_error(self, request, client_address):
        pass


class _Plain(SimpleHTTPRequestHandler):
    """The server of the standard library: every GET is answered with the whole file."""

    def log_message(self, *args):
        pass


class _Kept(_Plain):
    protocol_version = "HTTP/1.1"


class _Chunked(BaseHTTPRequestHandler):
    """Answers of which nobody knows the size before their end."""

    protocol_version = "HTTP/1.1"

    def do_HEAD(self):
        self.answer(b"")

    def do_GET(self):
        self.answer(FILES.get(self.path.strip("/")))

    def answer(self, content):
        if self.path.strip("/") not in FILES:
            self.send_response_only(404)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response_only(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        if self.command == "HEAD":
            return
        for at in range(0, len(content), 30_000):
            piece = content[at : at + 30_000]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *args):
        pass


class _Nameless(_Chunked):
    """Ranges are known, but not the size of the whole: `Content-Range: bytes 0-9/*`."""

    def answer(self, content):
        wanted = self.headers.get("Range", "")
        if self.path.strip("/") not in FILES or not wanted or self.command == "HEAD":
            super().answer(content)
            return
        first, _, last = wanted.removeprefix("bytes=").partition("-")
        size = len(content)
        start = int(first) if first else max(0, size - int(last))
        end = min(size, int(last) + 1) if first and last else size
        if start >= end:
            self.send_response_only(416)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response_only(206)
        self.send_header("Content-Range", f"bytes {start}-{end - 1}/*")
        self.send_header("Content-Length", str(end - start))
        self.end_headers()
        self.wfile.write(content[start:end])


def serve(handler):
    server = _Server(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield OpendalFileSystem(
        "http",
        endpoint=f"http://127.0.0.1:{server.server_address[1]}",
        part_size=PART,
        max_retries=0,
        skip_instance_cache=True,
    )
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(params=[_Plain, _Kept], ids=["closing", "kept open"])
def web(request, tmp_path_factory):
    """Return an instance over the server of the standard library, with FILES on it."""
    folder = tmp_path_factory.mktemp("web")
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
    (folder / "d").mkdir()
    (folder / "d" / "inner").write_bytes(b"inner")
    yield from serve(functools.partial(request.param, directory=str(folder)))


@pytest.fixture(params=[_Chunked, _Nameless], ids=["chunked", "no total"])
def sizeless(request):
    """Return an instance over a server that tells no sizes."""
    yield from serve(request.param)


SPANS = [(None, None), (0, 1), (2, 5), (0, 700), (990, 5000), (5000, 6000), (10, None)]
SPANS += [(-5, None), (-2000, None), (None, -3), (-7, -2), (3, 3), (PART - 1, PART + 1)]
SPANS += [(5, 3 * PART), (PART, None), (-2 * PART, None), (-PART, -1), (0, 2**62)]


def same(got, wanted):
    # Long bytes would drown the message.
    return type(got) is bytes and got == wanted


@pytest.mark.parametrize("name", FILES)
def test_slices_are_cut_out_of_the_whole(web, name):
    for start, end in SPANS:
        assert same(web.cat_file(name, start, end), FILES[name][start:end]), (start, end)


def test_many_slices_are_cut_out_of_the_whole(web):
    spans = [(name, start, end) for name in FILES for start, end in SPANS]
    names, starts, ends = map(list, zip(*spans, strict=True))
    for gap in (None, 0):
        found = web.cat_ranges([*names, "missing"], [*starts, 0], [*ends, 5], max_gap=gap)
        assert isinstance(found.pop(), FileNotFoundError)
        for got, (name, start, end) in zip(found, spans, strict=True):
            assert same(got, FILES[name][start:end]), (name, start, end, gap)


@pytest.mark.parametrize("name", FILES)
def test_files_are_read_in_any_order(web, name):
    content = FILES[name]
    with web.open(name, "rb") as file:
        assert same(b"".join(iter(lambda: file.read(50_000), b"")), content)
        for at in (len(content) // 2, 0, max(0, len(content) - 10), 7):
            file.seek(at)
            assert same(file.read(333), content[at : at + 333])
    buffer = bytearray(len(content))
    with web.open(name, "rb", block_size=1000) as file:
        assert file.readinto(buffer) == len(content)
    assert buffer == content


@pytest.mark.parametrize("name", FILES)
def test_downloads_are_whole(web, name, tmp_path):
    callback = Callback()
    web.get_file(name, str(tmp_path / "t"), callback=callback)
    assert same((tmp_path / "t").read_bytes(), FILES[name])
    assert (callback.size, callback.value) == (len(FILES[name]),) * 2
    web.get_file(name, str(tmp_path / "u"))
    assert same((tmp_path / "u").read_bytes(), FILES[name])


def test_what_is_missing_is_missing(web, tmp_path):
    for call in (
        lambda: web.cat_file("missing"),
        lambda: web.cat_file("missing", 2, 5),
        lambda: web.cat_file("missing", -5),
        lambda: web.open("missing"),
        lambda: web.get_file("missing", str(tmp_path / "t")),
    ):
        with pytest.raises(FileNotFoundError, match="missing"):
            call()
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("name", FILES)
def test_slices_of_an_unknown_size_are_right_or_refused(sizeless, name):
    content = FILES[name]
    for start, end in SPANS:
        try:
            got = sizeless.cat_file(name, start, end)
        except OSError:
            continue
        assert same(got, content[start:end]), (start, end, len(got))


@pytest.mark.parametrize("name", FILES)
def test_the_whole_of_an_unknown_size_is_whole_or_refused(sizeless, name, tmp_path):
    for call in (
        lambda: sizeless.cat_file(name),
        lambda: sizeless.cat([name])[name],
        lambda: sizeless.cat_ranges([name], [None], [None])[0],
        lambda: (sizeless.get_file(name, str(tmp_path / "t")), (tmp_path / "t").read_bytes())[1],
    ):
        try:
            got = call()
        except OSError:
            continue
        if not isinstance(got, OSError):
            assert same(got, FILES[name]), len(got)


def test_many_slices_of_an_unknown_size_are_right_or_refused(sizeless):
    spans = [(name, start, end) for name in FILES for start, end in SPANS]
    names, starts, ends = map(list, zip(*spans, strict=True))
    found = sizeless.cat_ranges(names, starts, ends)
    for got, (name, start, end) in zip(found, spans, strict=True):
        if not isinstance(got, OSError):
            assert same(got, FILES[name][start:end]), (name, start, end, len(got))
