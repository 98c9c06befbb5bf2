"""Random operations on a store and on a plain model of one; after each the two are compared."""

from __future__ import annotations

import random
import uuid
from contextlib import suppress

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run

from opendalfs import OpendalFileSystem
from opendalfs.errors import Changed
from tests.properties.model import Model
from tests.properties.neighbours import DiskNeighbour, MemoryNeighbour, S3Neighbour

# No name is both: whether a file and a directory may share one is a matter of the store.
FILES = ["f", "g", "f.txt"]
DIRS = ["d", "e", "d/e", "x"]
PATTERNS = ["*", "*/*", "*.txt", "d/*", "*/f", "[fg]", "?", "d/*/f*", "nothing*"]

names = st.builds("{}{}".format, st.sampled_from(["", "d/", "e/", "d/e/"]), st.sampled_from(FILES))
folders = st.sampled_from(DIRS)
# More than a file fetches at once, and more than a part.
long = st.builds(
    lambda seed, size: random.Random(seed).randbytes(size),
    st.integers(0, 9),
    st.sampled_from([150_000, 300_000]),
)
contents = st.one_of(st.binary(max_size=40), st.binary(max_size=40), long)
pieces = st.lists(contents, max_size=3)
limits = st.none() | st.integers(-50, 50) | st.sampled_from([-(2**40), 149_999, 2**20, 2**40])
PART_BYTES = 64 * 1024


class Machine(RuleBasedStateMachine):
    """A place in a store, seen by two instances, beside the model of it.

    Changes are made by the instance which keeps listings, or by the neighbour; the other instance
    keeps none and sees what is really there.
    """

    def __init__(self, new_place):
        super().__init__()
        self.fs, self.fresh, self.neighbour, self.root = new_place()
        self.model = Model(has_real_dirs=self.fresh.capabilities()["directories"])
        self.readers = []
        self.writers = []

    def path(self, name):
        return f"{self.root}/{name}" if name else self.root

    def relative(self, infos):
        start = len(self.root) + 1
        return {info["name"][start:]: (info["type"], info["size"]) for info in infos}

    def both(self, wanted, act):
        """Do the same on the model and on the store: they have one result, or one error."""
        try:
            result = wanted()
        except (OSError, ValueError) as error:
            with pytest.raises(type(error)):
                act()
            return
        found = act()
        assert found is None or found == result

    @initialize(content=contents)
    def begin(self, content):
        if self.model.has_real_dirs:
            self.fs.mkdir(self.root)
            self.model.make_dir("", create_parents=True)
        self.both(lambda: self.model.write("f", content), lambda: self.pipe("f", content))

    def teardown(self):
        for _, file in self.writers:
            file.discard()
        if self.model.files:
            assert self.neighbour.contents() == self.model.files

    # ---- writing

    def pipe(self, name, content, **how):
        self.fs.pipe_file(self.path(name), content, **how)

    def write_pieces(self, name, mode, pieces):
        with self.fs.open(self.path(name), mode) as file:
            for piece in pieces:
                file.write(piece)

    @rule(name=names, content=contents)
    def write_whole(self, name, content):
        self.both(lambda: self.model.write(name, content), lambda: self.pipe(name, content))

    @rule(name=names, content=contents)
    def create(self, name, content):
        self.both(
            lambda: self.model.create(name, content),
            lambda: self.pipe(name, content, mode="create"),
        )

    @rule(name=names, pieces=pieces, mode=st.sampled_from(["wb", "xb", "ab"]))
    def write_in_pieces(self, name, pieces, mode):
        change = {"wb": self.model.write, "xb": self.model.create, "ab": self.model.append}[mode]
        self.both(
            lambda: change(name, b"".join(pieces)),
            lambda: self.write_pieces(name, mode, pieces),
        )

    @rule(name=names, pieces=pieces, mode=st.sampled_from(["wb", "ab"]))
    def write_and_fail(self, name, pieces, mode):
        with (
            suppress(ZeroDivisionError),
            self.fs.open(self.path(name), mode) as file,
        ):
            for piece in pieces:
                file.write(piece)
            raise ZeroDivisionError

    @precondition(lambda self: len(self.writers) < 3)
    @rule(name=names, pieces=pieces)
    def begin_to_write(self, name, pieces):
        file = self.fs.open(self.path(name), "wb")
        for piece in pieces:
            file.write(piece)
        self.writers.append((lambda: self.model.write(name, b"".join(pieces)), file))

    @precondition(lambda self: self.writers)
    @rule()
    def end_to_write(self):
        change, file = self.writers.pop(0)
        self.both(change, file.close)

    @rule(name=names)
    def touch(self, name):
        self.both(
            lambda: self.model.write(name, b""), lambda: self.fs.touch(self.path(name)) and None
        )

    # ---- copying, moving, removing

    @rule(source=names, goal=names, verb=st.sampled_from(["copy", "move"]))
    def copy_or_move(self, source, goal, verb):
        act = {"copy": self.fs.cp_file, "move": self.fs.mv}[verb]
        self.both(
            lambda: getattr(self.model, verb)(source, goal),
            lambda: act(self.path(source), self.path(goal)),
        )

    @rule(source=folders, goal=folders, contents=st.booleans())
    def copy_tree(self, source, goal, contents):
        with suppress(FileNotFoundError):
            pairs = self.model.pairs(source, goal, contents=contents)
            if any(name != target and target in pairs for name, target in pairs.items()):
                # A file is read and written at once: either is right.
                return
        slash = "/" if contents else ""
        self.both(
            lambda: self.model.copy_tree(self.model.pairs(source, goal, contents=contents)),
            lambda: self.fs.copy(self.path(source) + slash, self.path(goal), recursive=True),
        )

    @rule(source=folders, goal=folders, contents=st.booleans())
    def move_tree(self, source, goal, contents):
        slash = "/" if contents else ""
        self.both(
            lambda: self.model.move_tree(source, self.model.pairs(source, goal, contents=contents)),
            lambda: self.fs.mv(self.path(source) + slash, self.path(goal), recursive=True),
        )

    @rule(name=names | folders)
    def remove(self, name):
        self.both(lambda: self.model.remove(name), lambda: self.fs.rm(self.path(name)))

    @rule(name=names | folders)
    def remove_tree(self, name):
        self.both(
            lambda: self.model.remove_tree(name),
            lambda: self.fs.rm(self.path(name), recursive=True),
        )

    @rule(folder=folders, create_parents=st.booleans())
    def make_dir(self, folder, create_parents):
        self.both(
            lambda: self.model.make_dir(folder, create_parents),
            lambda: self.fs.mkdir(self.path(folder), create_parents=create_parents),
        )

    @rule(folder=folders)
    def remove_dir(self, folder):
        self.both(lambda: self.model.remove_dir(folder), lambda: self.fs.rmdir(self.path(folder)))

    # ---- a second client

    @rule(name=names, content=contents)
    def written_by_the_neighbour(self, name, content):
        self.neighbour.write(name, content)
        self.model.write(name, content)
        self.behind(name)

    @rule(name=names)
    def removed_by_the_neighbour(self, name):
        if name in self.model.files:
            self.neighbour.remove(name)
            self.model.remove(name)
            self.behind(name)

    def behind(self, name):
        """Questions about one path are never answered from a listing; `ls` is when told so."""
        self.look_at(self.fs, name)
        self.fs.invalidate_cache(self.path(name))

    # ---- files that stay open for reading

    @precondition(lambda self: self.model.files)
    @rule(data=st.data())
    def open_to_read(self, data):
        name = data.draw(st.sampled_from(sorted(self.model.files)))
        version = self.model.versions[name]
        self.readers.append((self.fs.open(self.path(name)), name, self.model.files[name], version))

    @precondition(lambda self: self.readers)
    @rule(data=st.data(), count=st.sampled_from([1, 10, 70_000, -1]))
    def read_on(self, data, count):
        one = data.draw(st.sampled_from(self.readers))
        file, name, content, version = one
        at = file.tell()
        try:
            found = file.read(count)
        except (Changed, FileNotFoundError):
            assert name not in self.model.files or self.model.versions[name] != version
            self.readers.remove(one)
            return
        assert found == (content[at:] if count < 0 else content[at : at + count])
        assert file.tell() == at + len(found)

    # ---- looking

    @rule(name=names | folders, fresh=st.booleans())
    def look(self, name, fresh):
        self.look_at(self.fresh if fresh else self.fs, name)

    def look_at(self, fs, name):
        path = self.path(name)
        assert fs.exists(path) is self.model.exists(name)
        assert fs.isfile(path) is (name in self.model.files)
        assert fs.isdir(path) is (name in self.model.dirs)
        self.both(lambda: {name: self.model.info(name)}, lambda: self.relative([fs.info(path)]))
        self.both(lambda: self.model.read(name), lambda: fs.cat_file(path))
        assert fs.find(path) == [self.path(n) for n in self.model.find(name)]
        assert fs.du(path) == self.model.du(name)

    @rule(name=names, start=limits, end=limits)
    def read_range(self, name, start, end):
        wanted = lambda: self.model.read(name, start, end)  # noqa: E731
        path = self.path(name)
        self.both(wanted, lambda: self.fs.cat_file(path, start=start, end=end))
        self.both(wanted, lambda: self.fs.cat_ranges([path], start, end, on_error="raise")[0])

    @rule(pattern=st.sampled_from(PATTERNS))
    def glob(self, pattern):
        found = self.fs.glob(self.path(pattern))
        assert found == [self.path(name) for name in self.model.glob(pattern)]

    # ---- everything

    @invariant()
    def holds_what_the_model_holds(self):
        found = self.fresh.cat(self.fresh.find(self.root)) if self.model.files else {}
        wanted = {self.path(name): content for name, content in self.model.files.items()}
        # Long bytes would drown the message.
        assert found.keys() == wanted.keys()
        assert not [name for name in found if found[name] != wanted[name]]

    @invariant()
    def lists_what_the_model_lists(self):
        for fs in (self.fs, self.fresh):
            found = fs.find(self.root, withdirs=True, detail=True)
            assert self.relative(found.values()) == self.model.find_all("")
            for folder in ["", *DIRS, *sorted(self.model.dirs)]:
                self.both(
                    lambda folder=folder: self.model.ls(folder),
                    lambda fs=fs, folder=folder: self.relative(fs.ls(self.path(folder))),
                )


@pytest.fixture
def new_place(request, scheme, tmp_path):
    """Return a function that gives two instances, a neighbour and a fresh place for them."""

    def make():
        name = f"t-{uuid.uuid4().hex}"
        options, root = {}, name
        if scheme == "s3":
            options = request.getfixturevalue("s3_options")
            root = f"{request.getfixturevalue('s3_prefix')}/{name}"
            neighbour = S3Neighbour(request.getfixturevalue("witness"), root)
        elif scheme == "fs":
            root = str(tmp_path / name)
            neighbour = DiskNeighbour(root)
        else:
            neighbour = MemoryNeighbour(root)
        keeping, fresh = (
            OpendalFileSystem(
                scheme,
                use_listings_cache=keeps,
                part_size=PART_BYTES,
                skip_instance_cache=True,
                **options,
            )
            for keeps in (True, False)
        )
        return keeping, fresh, neighbour, root

    return make


# Each step asks a server some thirty times.
EXAMPLES = {"memory": 120, "fs": 80, "s3": 25}


@pytest.mark.timeout(300)
def test_a_store_does_what_the_model_does(new_place, scheme):
    run(
        lambda: Machine(new_place),
        settings=settings(max_examples=EXAMPLES[scheme], stateful_step_count=25),
    )


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_a_store_does_what_the_model_does_for_long(new_place, scheme):
    run(lambda: Machine(new_place), settings=settings.get_profile("soak"))
