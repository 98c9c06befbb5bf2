"""Files that are read, step by step, against `io.BytesIO` of the same content."""

import array
import asyncio
import io
import random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from hypothesis.stateful import run_state_machine_as_test as run

from opendalfs import OpendalFileSystem

pytestmark = pytest.mark.timeout(600)

KIB = 1024
PART = 64 * KIB
# What a file reads at least, and what it keeps of it, in this version of the core.
BLOCK = 128 * KIB
# With the larger ones more than what is asked for is fetched ahead, in the background.
PARTS = [PART, 400 * KIB, 1024 * KIB]


def text_of(size):
    """Return lines of very different lengths, some longer than a part."""
    rng, out = random.Random(size), bytearray()
    while len(out) < size:
        length = rng.choice([0, 1, 10, 80, 80, 80, 9000, 3 * PART])
        out += bytes(rng.choices(b"abcdefgh \r", k=length)) + b"\n"
    return bytes(out[:size])


CONTENTS = {
    "empty": b"",
    "byte": b"\n",
    "short": text_of(3000),
    "block": text_of(BLOCK),
    "above": text_of(BLOCK + 1),
    "long": text_of(4 * KIB * KIB + 777),
    "binary": random.Random(3).randbytes(1300 * KIB),
}
CACHES = ["readahead", "readahead", "readahead", "none", "bytes", "all", "blockcache"]
counts = st.one_of(
    st.integers(0, 300),
    st.sampled_from([8191, 8192, 8193, PART - 1, PART, PART + 1, BLOCK, BLOCK + 1, 3 * PART]),
    st.integers(0, 600 * KIB),
)


class Twins(RuleBasedStateMachine):
    """A file of the store and one of the memory, on which the same is done."""

    instances: dict[int, OpendalFileSystem]
    root: str

    @initialize(
        name=st.sampled_from(list(CONTENTS)),
        cache_type=st.sampled_from(CACHES),
        block_size=st.sampled_from([1000, PART, 5 * KIB * KIB]),
        part_size=st.sampled_from(PARTS),
    )
    def begin(self, name, cache_type, block_size, part_size):
        if cache_type == "blockcache":
            block_size = PART
        self.size = len(CONTENTS[name])
        self.model = io.BytesIO(CONTENTS[name])
        self.file = self.instances[part_size].open(
            f"{self.root}/{name}", "rb", cache_type=cache_type, block_size=block_size
        )

    def teardown(self):
        if hasattr(self, "file"):
            self.file.close()

    def check(self, got, wanted):
        is_right = got == wanted
        # Long bytes would drown the message.
        assert is_right, (len(got), len(wanted), self.model.tell())
        assert self.file.tell() == self.model.tell()

    @rule(count=counts)
    def read(self, count):
        self.check(self.file.read(count), self.model.read(count))

    @rule(count=counts, times=st.integers(1, 12))
    def read_on(self, count, times):
        for _ in range(times):
            self.check(self.file.read(count), self.model.read(count))

    @rule(how=st.sampled_from([-1, None]))
    def read_the_rest(self, how):
        self.check(self.file.read(how), self.model.read(how))

    @rule(place=st.floats(0, 1.05))
    def seek(self, place):
        place = int(place * self.size)
        assert self.file.seek(place) == self.model.seek(place)

    @rule(step=st.integers(-3 * PART, 3 * PART))
    def seek_from_here(self, step):
        step = max(step, -self.model.tell())
        assert self.file.seek(step, io.SEEK_CUR) == self.model.seek(step, io.SEEK_CUR)

    @rule(step=st.integers(0, 3 * PART))
    def seek_from_the_end(self, step):
        step = min(step, self.size)
        assert self.file.seek(-step, io.SEEK_END) == self.model.seek(-step, io.SEEK_END)

    @rule(limit=st.none() | st.integers(-1, 10_000))
    def readline(self, limit):
        self.check(self.file.readline(limit), self.model.readline(limit))

    @rule(times=st.integers(1, 40))
    def next_lines(self, times):
        for _ in range(times):
            self.check(next(self.file, b"no more"), next(self.model, b"no more"))

    @rule()
    def readlines(self):
        got, wanted = self.file.readlines(), self.model.readlines()
        self.check(b"|".join(got), b"|".join(wanted))

    @rule(count=counts, offset=st.integers(0, 10))
    def readinto(self, count, offset):
        mine, theirs = bytearray(b"." * (count + 20)), bytearray(b"." * (count + 20))
        views = [memoryview(buffer)[offset : offset + count] for buffer in (mine, theirs)]
        assert self.file.readinto(views[0]) == self.model.readinto(views[1])
        self.check(mine, theirs)

    @rule(count=st.integers(0, 70_000))
    def readinto_numbers(self, count):
        mine, theirs = array.array("i", bytes(4 * count)), array.array("i", bytes(4 * count))
        assert self.file.readinto(mine) == self.model.readinto(theirs)
        self.check(mine.tobytes(), theirs.tobytes())


@pytest.fixture
def place(new_place, scheme, request):
    """Return a function that makes instances, and a place with a file of each content."""
    fs, root = new_place()
    fs.pipe({f"{root}/{name}": content for name, content in CONTENTS.items()})
    options = request.getfixturevalue("s3_options") if scheme == "s3" else {}

    def make(**more):
        return OpendalFileSystem(scheme, skip_instance_cache=True, **options, **more)

    return make, root


def test_a_reading_file_does_what_a_bytes_io_does(place, scheme):
    make, root = place

    class Machine(Twins):
        pass

    Machine.instances, Machine.root = {part: make(part_size=part) for part in PARTS}, root
    whole = settings.default.max_examples
    examples = max(15, whole // 4) if scheme == "s3" else whole
    run(Machine, settings=settings(max_examples=examples, stateful_step_count=25, deadline=None))


steps = st.lists(
    st.one_of(
        st.tuples(st.just("read"), counts | st.just(-1)),
        st.tuples(st.just("back"), st.integers(0, 2 * PART)),
        st.tuples(st.just("skip"), st.integers(0, 2 * PART)),
    ),
    max_size=20,
)


def test_an_asynchronous_file_does_what_a_bytes_io_does(place, for_all):
    make, root = place
    instances = {part: make(asynchronous=True, part_size=part) for part in PARTS}

    @for_all(name=st.sampled_from(list(CONTENTS)), steps=steps, part=st.sampled_from(PARTS))
    def check(name, steps, part):
        fs = instances[part]

        async def work():
            model = io.BytesIO(CONTENTS[name])
            async with await fs.open_async(f"{root}/{name}", "rb") as file:
                for kind, number in steps:
                    if kind == "read":
                        is_right = await file.read(number) == model.read(number)
                        assert is_right, (number, model.tell())
                    else:
                        step = number if kind == "skip" else -min(number, model.tell())
                        file.seek(model.seek(step, 1))
                    assert file.tell() == model.tell()

        asyncio.run(work())


def test_text_is_that_of_a_text_wrapper(place, for_all):
    make, root = place
    fs = make(part_size=400 * KIB)
    letters = "".join(random.Random(8).choices("ab\u00e9\u20ac\U0001f600\n\r", k=700_000))
    fs.pipe_file(f"{root}/text", letters.encode())

    @for_all(
        newline=st.sampled_from([None, "", "\n", "\r\n"]),
        steps=st.lists(
            st.tuples(st.sampled_from(["read", "readline", "tell and seek"]), counts), max_size=15
        ),
    )
    def check(newline, steps):
        raw = io.BytesIO(letters.encode())
        with (
            io.TextIOWrapper(raw, encoding="utf-8", newline=newline) as model,
            fs.open(f"{root}/text", "r", encoding="utf-8", newline=newline) as file,
        ):
            marks = [(file.tell(), model.tell())]
            for kind, number in steps:
                if kind == "tell and seek":
                    mine, theirs = marks[number % len(marks)]
                    file.seek(mine)
                    model.seek(theirs)
                    continue
                arguments = (number,) if kind == "read" else ()
                is_right = getattr(file, kind)(*arguments) == getattr(model, kind)(*arguments)
                assert is_right, (kind, number)
                marks.append((file.tell(), model.tell()))
            is_right = file.read() == model.read()
            assert is_right
