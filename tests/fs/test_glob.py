"""Patterns: `glob` with `*`, `**`, `?` and `[]`."""

import pytest

NAMES = ["a1.txt", "a2.txt", "ab.csv", "d/x1", "d/x2", "d/e/x3", "d/e/f/x4", "d2/x5"]


@pytest.fixture
def files(store):
    store.fs.pipe({store.join(*name.split("/")): name.encode() for name in NAMES})
    store.fs.invalidate_cache()


CASES = [
    ("*", ["a1.txt", "a2.txt", "ab.csv", "d", "d2"]),
    ("a*", ["a1.txt", "a2.txt", "ab.csv"]),
    ("*.txt", ["a1.txt", "a2.txt"]),
    ("a?.txt", ["a1.txt", "a2.txt"]),
    ("a?.*", ["a1.txt", "a2.txt", "ab.csv"]),
    ("a[12].txt", ["a1.txt", "a2.txt"]),
    ("a[!1].txt", ["a2.txt"]),
    ("a[0-1].txt", ["a1.txt"]),
    ("d/*", ["d/e", "d/x1", "d/x2"]),
    ("d/x?", ["d/x1", "d/x2"]),
    ("*/x*", ["d/x1", "d/x2", "d2/x5"]),
    ("d*/x*", ["d/x1", "d/x2", "d2/x5"]),
    ("d/*/*", ["d/e/f", "d/e/x3"]),
    ("**/x3", ["d/e/x3"]),
    ("d/**", ["d", "d/e", "d/e/f", "d/e/f/x4", "d/e/x3", "d/x1", "d/x2"]),
    ("**/x*", ["d/e/f/x4", "d/e/x3", "d/x1", "d/x2", "d2/x5"]),
    ("d/**/x*", ["d/e/f/x4", "d/e/x3", "d/x1", "d/x2"]),
    ("*/", ["d", "d2"]),
    ("d/*/", ["d/e"]),
    ("a1.txt", ["a1.txt"]),
    ("d", ["d"]),
    ("nothing", []),
    ("nothing*", []),
    ("nothing/*", []),
    ("d/e/f/x4/*", []),
]


@pytest.mark.parametrize(("pattern", "wanted"), CASES, ids=[case[0] for case in CASES])
def test_glob_matches_as_documented(store, files, relative, pattern, wanted):
    found = store.fs.glob(store.join(pattern))
    assert relative(found) == wanted
    assert found == sorted(found)


def test_a_double_star_finds_every_file_and_directory(store, files, relative):
    found = set(relative(store.fs.glob(store.join("**"))))
    assert found >= {*NAMES, "d", "d2", "d/e", "d/e/f"}


def test_glob_with_detail_gives_infos(store, files):
    found = store.fs.glob(store.join("d", "*"), detail=True)
    assert {name: info["type"] for name, info in found.items()} == {
        store.join("d", "e"): "directory",
        store.join("d", "x1"): "file",
        store.join("d", "x2"): "file",
    }
    assert found[store.join("d", "x1")]["size"] == 4
    one = store.fs.glob(store.join("a1.txt"), detail=True)
    assert one[store.join("a1.txt")]["size"] == 6


def test_glob_without_directories(store, files, relative):
    assert relative(store.fs.glob(store.join("*"), withdirs=False)) == [
        "a1.txt",
        "a2.txt",
        "ab.csv",
    ]


def test_glob_stops_at_maxdepth(store, files, relative):
    assert relative(store.fs.glob(store.join("d", "**"), maxdepth=1)) == [
        "d",
        "d/e",
        "d/x1",
        "d/x2",
    ]
    with pytest.raises(ValueError, match="maxdepth"):
        store.fs.glob(store.join("**"), maxdepth=0)


def test_a_name_with_the_signs_of_a_pattern_is_found_by_a_class(store, relative):
    store.fs.pipe_file(store.join("a*b"), b"star")
    store.fs.pipe_file(store.join("axb"), b"x")
    assert relative(store.fs.glob(store.join("a[*]b"))) == ["a*b"]
    assert relative(store.fs.glob(store.join("a*b"))) == ["a*b", "axb"]


def test_other_signs_of_regular_expressions_are_plain(store, relative):
    for name in ("a.b", "aXb", "a+b", "a(1)", "a$"):
        store.fs.pipe_file(store.join(name), b"")
    assert relative(store.fs.glob(store.join("a.*"))) == ["a.b"]
    assert relative(store.fs.glob(store.join("*+b"))) == ["a+b"]
    assert relative(store.fs.glob(store.join("*(1)"))) == ["a(1)"]
    assert relative(store.fs.glob(store.join("*$"))) == ["a$"]


def test_glob_asks_only_for_what_begins_like_the_pattern(s3, monkeypatch):
    asked = []
    find = type(s3.fs)._find

    async def spy(self, path, **kwargs):
        asked.append((path.strip("/"), kwargs.get("prefix"), kwargs.get("maxdepth")))
        return await find(self, path, **kwargs)

    monkeypatch.setattr(type(s3.fs), "_find", spy)
    s3.fs.pipe({s3.join("y2024", "m01"): b"", s3.join("y2025", "m01"): b""})
    assert s3.fs.glob(s3.join("y2024", "m*")) == [s3.join("y2024", "m01")]
    assert all(path.startswith(s3.join("y2024")) for path, _, _ in asked), asked
