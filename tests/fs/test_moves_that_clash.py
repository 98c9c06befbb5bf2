"""Moves and copies that would write over what they have still to read, or twice to one place."""

import errno

import pytest

TREE = {
    "d/e/f": b"d/e/f",
    "d/e/e/f": b"d/e/e/f",
    "d/z/f": b"d/z/f",
    "d/f": b"d/f",
    "a": b"a",
    "b": b"b",
}

# What a store must refuse to move: sources, target.
CLASHES = {
    "a directory into itself": ("d", "d/z"),
    "a directory into a new one of itself": ("d", "d/new"),
    "a directory onto itself": ("d", "d"),
    "contents up onto each other": ("d/e/", "d/"),
    "a list that chains": (["a", "b"], ["b", "c"]),
    "a list that swaps": (["a", "b"], ["b", "a"]),
    "two of one name into a directory": (["d/f", "d/e/f"], "x/"),
    "two onto one": (["a", "b"], ["c", "c"]),
}


@pytest.fixture
def place(store):
    """Write TREE and return the store with a function that gives all contents by name."""
    store.fs.pipe({store.join(name): content for name, content in TREE.items()})

    def contents():
        found = store.fs.cat(store.fs.find(store.root))
        return {name.removeprefix(f"{store.root}/"): content for name, content in found.items()}

    return store, contents


def full(store, names):
    return store.join(names) if isinstance(names, str) else [store.join(name) for name in names]


@pytest.mark.parametrize("clash", CLASHES)
def test_a_move_that_would_lose_something_is_refused_and_moves_nothing(place, clash):
    store, contents = place
    source, target = CLASHES[clash]
    with pytest.raises(ValueError, match="mv") as caught:
        store.fs.mv(full(store, source), full(store, target), recursive=isinstance(source, str))
    assert caught.value.errno == errno.EINVAL
    assert contents() == TREE


def test_contents_that_do_not_clash_move_up(place):
    store, contents = place
    store.fs.mv(store.join("d", "z") + "/", store.join("d", "e", "new"), recursive=True)
    assert contents() == {
        **{name: content for name, content in TREE.items() if name != "d/z/f"},
        "d/e/new/f": b"d/z/f",
    }


def test_two_files_are_not_copied_to_one_place(place):
    store, contents = place
    with pytest.raises(ValueError, match="same"):
        store.fs.copy([store.join("d", "f"), store.join("d", "e", "f")], store.join("x") + "/")
    assert contents() == TREE


def test_two_files_are_not_downloaded_to_one_place(place, tmp_path):
    store, _ = place
    (tmp_path / "f").write_bytes(b"old")
    with pytest.raises(ValueError, match="same"):
        store.fs.get([store.join("d", "f"), store.join("d", "e", "f")], f"{tmp_path}/")
    assert (tmp_path / "f").read_bytes() == b"old"


def test_two_files_are_not_uploaded_to_one_place(place, tmp_path):
    store, contents = place
    for folder in ("1", "2"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "k").write_bytes(folder.encode())
    with pytest.raises(ValueError, match="same"):
        store.fs.put([f"{tmp_path}/1/k", f"{tmp_path}/2/k"], store.join("x") + "/")
    assert contents() == TREE
