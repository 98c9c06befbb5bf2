"""Listings of random trees against fsspec's LocalFileSystem for the same tree."""

import uuid

import pytest
from fsspec.implementations.local import LocalFileSystem
from hypothesis import strategies as st

pytestmark = pytest.mark.timeout(600)

WORDS = ["a", "b", "ab", "a.txt", "b.txt", "a b", "c-d", "d", "\u00e9"]
names = st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).map("/".join)
depths = st.none() | st.integers(1, 4)
PATTERNS = ["*", "**", "a*", "*.txt", "?", "a?", "[ab]", "[!a]*", "*/*", "a/*", "a/**", "**/a"]
PATTERNS += ["**/*.txt", "a*/**/b", "*/", "a/b", "a b/*", "*/a/*", "d", "**/", "d/**/*"]


@st.composite
def trees(draw):
    """Draw names of files of which none is a directory of another."""
    chosen = []
    for name in draw(st.lists(names, min_size=1, max_size=12, unique=True)):
        if not any(name.startswith(f"{old}/") or old.startswith(f"{name}/") for old in chosen):
            chosen.append(name)
    return chosen


def relative(name, root):
    bare, base = name.strip("/"), root.strip("/")
    assert bare == base or bare.startswith(f"{base}/"), (name, root)
    return bare.removeprefix(base).strip("/")


def seen(call, fs, root):
    """Return what a call finds, with names relative to the root, or the kind of its error."""
    try:
        found = call(fs, root)
    except (FileNotFoundError, NotADirectoryError):
        # A path through a file is not there: a disk has two words for that.
        return "FileNotFoundError"
    except ValueError as error:
        return type(error).__name__
    if isinstance(found, dict):
        return {
            relative(name, root): (info["type"], info["size"] if info["type"] == "file" else None)
            for name, info in found.items()
        }
    return sorted(relative(name, root) for name in found)


@pytest.fixture
def twins(new_place, tmp_path):
    """Return a function that makes a tree twice and returns a comparer of calls on both."""

    def make(tree):
        fs, root = new_place()
        local, folder = LocalFileSystem(), str(tmp_path / f"twin-{uuid.uuid4().hex}")
        for name in tree:
            local.makedirs(f"{folder}/{name}".rsplit("/", 1)[0], exist_ok=True)
            local.pipe_file(f"{folder}/{name}", name.encode())
        fs.pipe({f"{root}/{name}": name.encode() for name in tree})

        def compare(call):
            assert seen(call, fs, root) == seen(call, local, folder)

        return compare

    return make


def test_find_is_that_of_the_local_disk(twins, for_all):
    @for_all(
        tree=trees(), name=names, maxdepth=depths, withdirs=st.booleans(), detail=st.booleans()
    )
    def check(tree, name, maxdepth, withdirs, detail):
        compare = twins(tree)
        for place in ("", f"/{name}", f"/{tree[0]}"):
            compare(
                lambda fs, root, place=place: fs.find(
                    root + place, maxdepth=maxdepth, withdirs=withdirs, detail=detail
                )
            )


def test_ls_is_that_of_the_local_disk(twins, for_all):
    @for_all(tree=trees(), name=names, slash=st.sampled_from(["", "/"]))
    def check(tree, name, slash):
        compare = twins(tree)
        places = {"", f"/{name}", f"/{tree[0]}", f"/{tree[0].split('/')[0]}"}
        for place in sorted(places):
            is_file = place.strip("/") in tree
            end = "" if is_file else slash
            compare(lambda fs, root, path=place + end: fs.ls(root + path, detail=False))
            compare(
                lambda fs, root, path=place + end: {
                    info["name"]: info for info in fs.ls(root + path, detail=True)
                }
            )


def test_glob_is_that_of_the_local_disk(twins, for_all):
    @for_all(
        tree=trees(),
        patterns=st.lists(st.sampled_from(PATTERNS), min_size=1, max_size=6),
        maxdepth=depths,
    )
    def check(tree, patterns, maxdepth):
        compare = twins(tree)
        for pattern in patterns:
            compare(lambda fs, root, tail=pattern: fs.glob(f"{root}/{tail}", maxdepth=maxdepth))
            compare(lambda fs, root, tail=pattern: fs.glob(f"{root}/{tail}", detail=True))


def test_walk_is_that_of_the_local_disk(twins, for_all):
    @for_all(tree=trees(), maxdepth=depths, topdown=st.booleans())
    def check(tree, maxdepth, topdown):
        compare = twins(tree)
        for place in sorted({"", *(f"/{name}".rsplit("/", 1)[0] for name in tree)}):

            def call(fs, root, place=place):
                steps = []
                for folder, dirs, files in fs.walk(
                    f"{root}{place}", maxdepth=maxdepth, topdown=topdown
                ):
                    steps.append(folder)
                    steps += [f"{folder}/dir {part}" for part in dirs]
                    steps += [f"{folder}/file {part}" for part in files]
                return steps

            compare(call)


def test_expand_path_is_that_of_the_local_disk(twins, for_all):
    tails = st.sampled_from(PATTERNS) | names

    @for_all(
        tree=trees(),
        tails=st.lists(tails, min_size=1, max_size=3),
        recursive=st.booleans(),
        maxdepth=depths,
    )
    def check(tree, tails, recursive, maxdepth):
        twins(tree)(
            lambda fs, root: fs.expand_path(
                [f"{root}/{tail}" for tail in tails], recursive=recursive, maxdepth=maxdepth
            )
        )


def test_kinds_and_sizes_are_those_of_the_local_disk(twins, for_all):
    @for_all(tree=trees(), name=names)
    def check(tree, name):
        compare = twins(tree)
        for place in ("", f"/{name}", f"/{tree[0]}", f"/{tree[0]}/below"):

            def answers(fs, root, path=place):
                whole = root + path
                kinds = fs.exists(whole), fs.isfile(whole), fs.isdir(whole), fs.du(whole)
                return [f"{root}/{kinds}"]

            compare(answers)


def test_du_of_each_file_is_that_of_the_local_disk(twins, for_all):
    @for_all(tree=trees(), maxdepth=depths)
    def check(tree, maxdepth):
        compare = twins(tree)
        compare(
            lambda fs, root: [
                f"{name} {size}"
                for name, size in fs.du(root, total=False, maxdepth=maxdepth).items()
            ]
        )
