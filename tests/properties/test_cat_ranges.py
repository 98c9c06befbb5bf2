"""`cat_ranges` of many slices of many files against one slice of Python after the other."""

import random

import pytest
from hypothesis import strategies as st

from opendalfs import OpendalFileSystem

pytestmark = pytest.mark.timeout(600)

PART = 64 * 1024
CONTENTS = {
    "empty": b"",
    "byte": b"x",
    "short": random.Random(1).randbytes(500),
    "part": random.Random(2).randbytes(PART),
    "parts": random.Random(3).randbytes(5 * PART + 11),
}
NAMES = [*CONTENTS, "missing"]


def limits(size):
    """Draw a limit of a slice: anywhere near the file, at its edges, far away, or none."""
    near = st.integers(-size - 70, size + 70)
    edges = st.sampled_from([0, 1, size - 1, size, size + 1, -size, PART, PART - 1, PART + 1])
    far = st.sampled_from([2**31, 2**40, -(2**40), 2**62])
    return st.none() | near | edges | far


@st.composite
def slices(draw):
    name = draw(st.sampled_from(NAMES))
    size = len(CONTENTS.get(name, b"0123456789"))
    return name, draw(limits(size)), draw(limits(size))


@st.composite
def nested(draw):
    """Draw slices of one file that overlap, lie in each other, touch, or are the same."""
    name = draw(st.sampled_from(["short", "part", "parts"]))
    size = len(CONTENTS[name])
    out = []
    for _ in range(draw(st.integers(1, 12))):
        start = draw(st.integers(0, size + 5))
        length = draw(st.sampled_from([0, 1, 2, 30, 4000, PART - 1, PART, PART + 1, size]))
        out.append((name, start, start + length))
        if draw(st.booleans()):
            out.append((name, start + length // 3, start + length - length // 3))
        if draw(st.booleans()):
            out.append((name, start + length, start + length + 10))
    return out


gaps = st.sampled_from([None, 0, 1, 50, 5000, 10 * PART, 2**62])


@pytest.fixture
def place(new_place, scheme, request):
    """Return an instance with small parts and a place with a file of each content."""
    fs, root = new_place()
    fs.pipe({f"{root}/{name}": content for name, content in CONTENTS.items()})
    options = request.getfixturevalue("s3_options") if scheme == "s3" else {}
    return OpendalFileSystem(scheme, part_size=PART, skip_instance_cache=True, **options), root


def check_slices(found, wanted):
    """Compare what was found with slices; an error stands for each of the missing file."""
    assert len(found) == len(wanted)
    for got, (name, start, end) in zip(found, wanted, strict=True):
        if name == "missing":
            assert isinstance(got, FileNotFoundError), (name, start, end)
        else:
            # Long bytes would drown the message.
            is_right = got == CONTENTS[name][start:end]
            assert is_right, (name, start, end, type(got), len(got))
            assert type(got) is bytes


def test_slices_of_many_files_are_slices(place, for_all):
    fs, root = place

    @for_all(wanted=st.lists(slices(), max_size=15), gap=gaps)
    def check(wanted, gap):
        paths = [f"{root}/{name}" for name, _, _ in wanted]
        starts, ends = [s for _, s, _ in wanted], [e for _, _, e in wanted]
        check_slices(fs.cat_ranges(paths, starts, ends, max_gap=gap), wanted)


def test_slices_that_overlap_each_get_all_their_bytes(place, for_all):
    fs, root = place

    @for_all(groups=st.lists(nested(), min_size=1, max_size=3), gap=gaps, seed=st.randoms())
    def check(groups, gap, seed):
        wanted = [one for group in groups for one in group]
        seed.shuffle(wanted)
        paths = [f"{root}/{name}" for name, _, _ in wanted]
        starts, ends = [s for _, s, _ in wanted], [e for _, _, e in wanted]
        check_slices(fs.cat_ranges(paths, starts, ends, max_gap=gap), wanted)


def test_one_limit_stands_for_all_and_errors_are_raised_on_demand(place, for_all):
    fs, root = place
    size = len(CONTENTS["parts"])

    @for_all(
        names=st.lists(st.sampled_from(NAMES), max_size=8), start=limits(size), end=limits(size)
    )
    def check(names, start, end):
        paths = [f"{root}/{name}" for name in names]
        wanted = [(name, start, end) for name in names]
        check_slices(fs.cat_ranges(paths, start, end), wanted)
        check_slices(fs.cat_ranges(paths, [start] * len(paths), end), wanted)
        if "missing" in names:
            with pytest.raises(FileNotFoundError, match="missing"):
                fs.cat_ranges(paths, start, end, on_error="raise")
        else:
            check_slices(fs.cat_ranges(paths, start, end, on_error="raise"), wanted)
