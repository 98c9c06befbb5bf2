"""Listings of more than two pages of an object store against a plain list of its keys.

Behind the second page a listing goes on in pieces. Trees of that size are made in no time on
a server of names alone; some are made on a real one as well, which has the last word.
"""

import bisect
import concurrent.futures
import fnmatch
import random
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opendalfs import OpendalFileSystem

pytestmark = pytest.mark.timeout(300)


def flat():
    """All beside each other."""
    return [f"n{number:04d}" for number in range(2500)]


def thirty_dirs():
    return [f"d{n:02d}/f{m:03d}" for n in range(30) for m in range(100)]


def neighbours():
    """Directories whose names begin alike, and files that sort between them."""
    names = []
    for folder in ["a", "a-", "a0", "ab", "a!", "a b", "b", "b-", "b.d", "c", "ca", "d", "d-"]:
        names += [f"{folder}/f{n:03d}" for n in range(165)]
    # "-" and "." sort before "/", "0" and "b" behind it.
    names += ["a.txt", "a-.txt", "a/g", "a0.txt", "aa", "abc", "ac", "b.", "b0", "b00", "!"]
    return [*names, "c-", "c.", "c0", "cb", "d.txt", "d-.txt", "d0", "e", "~"]


def huge_then_small():
    names = [f"m/f{n:04d}" for n in range(2350)] + [f"{c}/f" for c in "abcdefghnopqrstuvwxyz"]
    return [*names, "l.txt", "m.txt", "m-", "m0", "z.txt", "m/f0500-", "m/f2000-/below"]


def small_then_huge():
    names = [f"{c}{n:02d}/f{m:02d}" for c in "ab" for n in range(40) for m in range(30)]
    return [*names, *(f"c/f{n:04d}" for n in range(1500)), "b.txt", "b39.txt", "c.txt", "c0/f", "d"]


def deep():
    """Pages end in the middle of directories, some levels down."""
    names = [f"x/y/z/{n // 40:02d}/{n % 40:02d}" for n in range(2400)]
    names += [f"x/y/a{n}/f" for n in range(90)] + [f"x/{n}/f" for n in range(60)]
    names += [f"x/y/zz{n}/g/h/{m}" for n in range(30) for m in range(8)]
    return [*names, "x/y/z.txt", "x/y/z-", "x/y/z0", "x/y.txt", "x.txt", "w", "y", "x/y/z/05-"]


def deeper():
    """More levels than are looked at for pieces."""
    names = [f"1/2/3/4/5/6/7/{n // 50:02d}/{n % 50:02d}" for n in range(2500)]
    return [*names, "1/2/3/4/5/6/8/x", "1/2/3/4/5/6/70", "1/2/3/4/5/60/x", "1/2/4/x", "1/20", "2"]


def unicode_names():
    folders = ["\u00e4", "\u00e4x", "a\u0308", "\u20ac", "\u20ac1", "\u65e5\u672c", "\U0001f600"]
    folders += ["z", "\uffee", "e\u0301", "\u00e9", "\U0001f600\U0001f601", "\u65e5", "\uffee0"]
    names = [f"{folder}/\u00fc{n:03d}" for folder in folders for n in range(150)]
    return [*names, "\u20ac.txt", "\u00e4.txt", "\u65e6", "\U0001f600\U0001f600", "\uffee1", "a"]


def odd_characters():
    folders = ["a+b", "a%20b", "a b", "a&b", "a=b", "a?b", "a#b", "A", "_", "~", "a'b", 'a"b']
    return [f"{folder}/{n:03d} %2F+" for folder in folders for n in range(210)]


def with_markers():
    """Objects that stand for directories, as consoles make them; empty ones among them."""
    names = [f"d{n:02d}/f{m:02d}" for n in range(60) for m in range(38)]
    names += [f"d{n:02d}/" for n in range(0, 60, 2)] + [f"d{n:02d}/e/" for n in range(0, 60, 7)]
    return [*names, "empty/", "d05/e/f", "d57/e/f", "d59-", "zz/"]


def steps():
    """One more in each directory than in the one before, so that pages end everywhere."""
    return [f"s{n:02d}/{m:02d}" for n in range(72) for m in range(n)] + ["s20-", "s2", "s", "t"]


def a_page_each():
    """Pages end where directories do."""
    return [f"p{n}/{m:03d}" for n in range(4) for m in range(1000)] + ["p1-", "p2.", "p20", "q"]


def many_dirs():
    """So many that a piece is made of several, with files and markers among them."""
    names = [f"{c}{n:03d}/f{m:02d}" for c in ("a", "ab", "b") for n in range(120) for m in range(9)]
    names += [f"{c}{n:02d}.txt" for c in ("a", "ab", "b") for n in range(0, 100, 3)]
    names += [f"b{n:03d}/" for n in range(0, 120, 5)] + ["ab", "b", "b0", "b00", "b1/x", "b01/y"]
    return [*names, *(f"b11{n}/g/h/{m:03d}" for n in range(10) for m in range(200)), "c", "b119-"]


def blanks():
    """Names that a client might trim or fold."""
    folders = ["b", " b", "b ", "\u3000", "c"]
    return [f"{folder}/ {n:03d} " for folder in folders for n in range(500)] + [" ", "c ", "b  "]


SHAPES = [
    flat,
    thirty_dirs,
    neighbours,
    huge_then_small,
    small_then_huge,
    deep,
    deeper,
    unicode_names,
    odd_characters,
    with_markers,
    steps,
    a_page_each,
    many_dirs,
    blanks,
]
# Those of which it matters how a real server sorts and what it takes.
ON_A_REAL_SERVER = [neighbours, unicode_names]


class Model:
    """What a listing of some keys has to show."""

    def __init__(self, keys):
        self.files = sorted({key for key in keys if not key.endswith("/")})
        self.dirs = set()
        for key in keys:
            parts = key.split("/")[:-1]
            self.dirs.update("/".join(parts[: n + 1]) for n in range(len(parts)))

    @staticmethod
    def below(names, folder, depth=None, prefix=""):
        start = f"{folder}/" if folder else ""
        for name in names:
            rest = name.removeprefix(start)
            if name.startswith(start + prefix) and (depth is None or rest.count("/") < depth):
                yield name

    def find(self, folder="", depth=None, prefix="", withdirs=False):
        names = set(self.below(self.files, folder, depth, prefix))
        if withdirs:
            names |= set(self.below(self.dirs, folder, depth, prefix))
            names.add(folder)
        return sorted(names)


class NamesServer:
    """A server of one bucket that knows names alone, and gives pages of at most `page` of them."""

    def __init__(self):
        self.page, self.requests = 1000, []
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self):
                url = urlsplit(self.path)
                query = {name: found[0] for name, found in parse_qs(url.query).items()}
                server.requests.append(query)
                self.send(200, server.list(query))

            def do_HEAD(self):
                key = unquote(urlsplit(self.path).path).removeprefix("/bucket").removeprefix("/")
                self.send(200 if key in server.known else 404, b"")

            def send(self, code, body):
                self.send_response_only(code)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def hold(self, keys):
        """Hold these names, in the order of their UTF-8 as S3 has them."""
        self.known = set(keys)
        self.sorted = sorted(key.encode() for key in keys)
        self.requests.clear()

    def list(self, query):
        prefix = query.get("prefix", "").encode()
        delimiter = query.get("delimiter", "").encode()
        after = bytes.fromhex(query.get("continuation-token", ""))
        most = min(int(query.get("max-keys", 1000)), self.page)
        at = bisect.bisect_left(self.sorted, max(prefix, after))
        found, last = [], b""
        while at < len(self.sorted) and self.sorted[at].startswith(prefix):
            key = self.sorted[at]
            if len(found) == most:
                break
            cut = key.find(delimiter, len(prefix)) if delimiter else -1
            if cut < 0:
                found.append((key, False))
                last, at = key + b"\0", at + 1
            else:
                folder = key[: cut + 1]
                found.append((folder, True))
                # Behind every key that begins so.
                last = folder[:-1] + b"0"
                at = bisect.bisect_left(self.sorted, last)
        is_cut = at < len(self.sorted) and self.sorted[at].startswith(prefix)
        out = [f"<IsTruncated>{str(is_cut).lower()}</IsTruncated>"]
        if is_cut:
            out.append(f"<NextContinuationToken>{last.hex()}</NextContinuationToken>")
        for key, is_dir in found:
            name = escape(key.decode())
            out.append(
                f"<CommonPrefixes><Prefix>{name}</Prefix></CommonPrefixes>"
                if is_dir
                else f"<Contents><Key>{name}</Key><ETag>&quot;e&quot;</ETag><Size>0</Size>"
                "<LastModified>2024-01-01T00:00:00.000Z</LastModified></Contents>"
            )
        text = f"<ListBucketResult><Name>bucket</Name>{''.join(out)}</ListBucketResult>"
        return text.encode()

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Place:
    """An instance and a directory in it."""

    def __init__(self, fs, root):
        self.fs, self.root = fs, root

    def join(self, name):
        return f"{self.root}/{name}"


@pytest.fixture(scope="module")
def server():
    server = NamesServer()
    yield server
    server.close()


@pytest.fixture(scope="module")
def names_fs(server):
    """Return an instance over the server of names."""
    return OpendalFileSystem(
        "s3",
        key="k",
        secret="s",
        region="us-east-1",
        endpoint_url=server.url,
        skip_instance_cache=True,
    )


@pytest.mark.parametrize(
    ("shape", "page"),
    [*((shape, 1000) for shape in SHAPES), (neighbours, 300), (deep, 300), (many_dirs, 300)],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_a_large_tree_is_listed_whole_and_once(server, names_fs, shape, page):
    keys = shape()
    assert len(set(keys)) == len(keys) > 2000
    server.hold([f"top/{key}" for key in keys])
    server.page = page
    look_at(Place(names_fs, "bucket/top"), Model(keys))
    # The same below nothing, where keys have no parent.
    server.hold(keys)
    names_fs.invalidate_cache()
    look_at(Place(names_fs, "bucket"), Model(keys))


@pytest.mark.parametrize("shape", ON_A_REAL_SERVER, ids=lambda shape: shape.__name__)
def test_a_large_tree_of_a_real_server_is_listed_whole_and_once(s3, witness, shape):
    keys = shape()
    s3.fs.pipe({s3.join(key): b"" for key in keys})
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        # The service sorts a marker before what it marks, wherever the page ends.
        markers = sorted({key.split("/")[0] + "/" for key in keys if "/" in key})[::3]
        list(pool.map(lambda key: witness.write(s3.join(key), b""), markers))
    look_at(s3, Model([*keys, *markers]))
    s3.fs.rm(s3.root, recursive=True)
    assert s3.fs.find(s3.root) == []


words = st.text(st.sampled_from("ab-.0/ \u00e4\U0001f600"), min_size=1, max_size=5)


@st.composite
def trees(draw):
    """Draw directories with many files in some and few in others, files between them."""
    seed = draw(st.integers(0, 2**32))
    rng, names = random.Random(seed), set()
    folders = draw(st.lists(words, min_size=1, max_size=40, unique=True))
    sizes = [1, 2, 50, 300, 999, 1000, 1001, 1500]
    many, count = draw(words), rng.choice([0, 0, 100, 700])
    names.update(f"{many}{n:03d}/{m}" for n in range(count) for m in range(rng.choice([1, 8, 40])))
    for folder in folders:
        for number in range(rng.choice(sizes)):
            names.add(f"{folder}/{number:0{rng.choice([1, 4])}}")
    names.update(draw(st.lists(words, max_size=20)))
    bad = ("//", "/./", "/../")
    return sorted(
        name
        for name in names
        if not name.startswith("/")
        and not any(part in f"/{name}/" for part in bad)
        and not name.endswith("/")
    )


def test_any_tree_is_listed_whole_and_once(server, names_fs):
    @settings(max_examples=settings.default.max_examples // 2, deadline=None)
    @given(keys=trees(), page=st.sampled_from([1000, 1000, 700]), prefix=words)
    def check(keys, page, prefix):
        if not keys:
            return
        server.hold([f"top/{key}" for key in keys])
        server.page = page
        store, model = Place(names_fs, "bucket/top"), Model(keys)
        assert short(store, names_fs.find(store.root)) == model.find()
        found = names_fs.find(store.root, detail=True, withdirs=True)
        assert short(store, found) == model.find(withdirs=True)
        if "/" not in prefix:
            found = names_fs.find(store.root, prefix=prefix)
            assert short(store, found) == model.find(prefix=prefix)
        folder = max(model.dirs, key=len, default="")
        if folder:
            assert short(store, names_fs.find(store.join(folder))) == model.find(folder)

    check()


@pytest.mark.parametrize("prefix", [" ", "a ", " a", "\u3000"])
def test_a_prefix_with_a_blank_at_its_end_loses_nothing(server, names_fs, prefix):
    keys = [f"{prefix}{n:03d}/{m}" for n in range(120) for m in range(20)]
    server.page = 1000
    server.hold([f"top/{key}" for key in [*keys, "z"]])
    store = Place(names_fs, "bucket/top")
    assert short(store, names_fs.find(store.root, prefix=prefix)) == sorted(keys)
    server.hold([*keys, "z"])
    store = Place(names_fs, "bucket")
    assert short(store, names_fs.find(store.root, prefix=prefix)) == sorted(keys)


def test_a_flat_directory_takes_a_request_for_each_page_and_one_more(server, names_fs):
    server.page = 1000
    server.hold([f"top/{n:05d}" for n in range(5500)])
    assert len(names_fs.find("bucket/top")) == 5500
    assert len(server.requests) <= 7


def test_pieces_take_few_requests_more_than_pages(server, names_fs):
    server.page = 1000
    server.hold([f"top/{n:03d}/{m:03d}" for n in range(50) for m in range(400)])
    assert len(names_fs.find("bucket/top")) == 20_000
    assert len(server.requests) <= 60


def test_a_short_listing_takes_one_request(server, names_fs):
    server.page = 1000
    server.hold([f"top/d{n}/f" for n in range(900)])
    assert len(names_fs.find("bucket/top")) == 900
    assert len(server.requests) == 1


def short(store, names):
    """Return names relative to the root in the order given; that of the root is empty."""
    assert all(name == store.root or name.startswith(f"{store.root}/") for name in names)
    return [name[len(store.root) + 1 :] for name in names]


def folders_of(model):
    """Return some directories: the first, the last, one in the middle, deep ones."""
    dirs = sorted(model.dirs)
    return sorted({*dirs[:2], *dirs[-2:], *dirs[len(dirs) // 2 : len(dirs) // 2 + 1]})


def look_at(store, model):
    """Compare every way of listing with the model."""
    fs = store.fs
    find_is_the_model(store, model)
    prefixes_are_the_model(store, model)
    levels_are_the_model(store, model)
    infos_are_whole(store, model)
    ls_walk_and_glob_agree(store, model)
    assert fs.find(store.join("not-there")) == []
    for name in (model.files[0], model.files[-1]):
        assert fs.find(store.join(name)) == [store.join(name)] or name in model.dirs


def with_dirs(store, model):
    """Return the names that `find` with directories has: a bucket is not found in itself."""
    return [name for name in model.find(withdirs=True) if name or "/" in store.root]


def find_is_the_model(store, model):
    fs = store.fs
    assert short(store, fs.find(store.root)) == model.find()
    assert short(store, fs.find(store.root + "/")) == model.find()
    assert short(store, fs.find(store.root, withdirs=True)) == with_dirs(store, model)
    for folder in folders_of(model):
        assert short(store, fs.find(store.join(folder))) == model.find(folder)
        found = fs.find(store.join(folder), withdirs=True)
        assert short(store, found) == model.find(folder, withdirs=True)


def prefixes_are_the_model(store, model):
    names = {name.split("/")[0] for name in [*model.files, *model.dirs]}
    prefixes = {name[:length] for name in names for length in (1, 2)}
    prefixes |= set(sorted(names)[:2]) | {"nothing", "d0", "n00", "a/"} - {"a/"}
    for prefix in sorted(prefixes)[:40]:
        found = store.fs.find(store.root, prefix=prefix)
        assert short(store, found) == model.find(prefix=prefix), prefix
    for prefix in sorted(prefixes)[:4]:
        found = store.fs.find(store.root, prefix=prefix, detail=True)
        assert short(store, found) == model.find(prefix=prefix), prefix


def levels_are_the_model(store, model):
    for depth in (1, 2, 3, 9):
        found = store.fs.find(store.root, maxdepth=depth)
        assert short(store, found) == model.find(depth=depth)
        found = store.fs.find(store.root, maxdepth=depth, withdirs=True)
        assert short(store, found) == model.find(depth=depth, withdirs=True)


def infos_are_whole(store, model):
    found = store.fs.find(store.root, detail=True, withdirs=True)
    assert short(store, found) == with_dirs(store, model)
    for name, info in found.items():
        assert info["name"] == name
        inner = name[len(store.root) + 1 :]
        is_file = inner in model.files
        # Where a file and a directory have one name, the listing shows one of them.
        if inner in model.dirs or not inner:
            assert is_file or info["type"] == "directory"
        else:
            assert (info["type"], info["size"]) == ("file", 0)
            assert {"ETag", "LastModified"} <= info.keys()
    assert store.fs.du(store.root) == 0
    sizes = store.fs.du(store.root, total=False)
    assert short(store, sizes) == model.find()


def ls_walk_and_glob_agree(store, model):
    fs = store.fs
    tops = sorted({name.split("/")[0] for name in [*model.files, *model.dirs]})
    fs.invalidate_cache()
    assert sorted(set(short(store, fs.ls(store.root, detail=False)))) == tops
    fs.invalidate_cache()
    infos = fs.ls(store.root, detail=True)
    assert sorted({info["name"][len(store.root) + 1 :] for info in infos}) == tops
    walked = [f"{place}/{name}" for place, _, names in fs.walk(store.root) for name in names]
    assert sorted(short(store, walked)) == [n for n in model.files if n not in model.dirs]
    assert sorted(set(short(store, fs.glob(store.join("*"))))) == tops
    found = [name.rstrip("/") for name in fs.glob(store.join("**"))]
    assert sorted(set(short(store, found))) == with_dirs(store, model)
    for pattern in ("*0*", "?", "d0*/f*"):
        wanted = [
            name
            for name in model.find(withdirs=True)
            if name.count("/") == pattern.count("/")
            and all(map(fnmatch.fnmatchcase, name.split("/"), pattern.split("/")))
        ]
        assert sorted(set(short(store, fs.glob(store.join(pattern))))) == wanted
