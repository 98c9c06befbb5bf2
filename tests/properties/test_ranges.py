"""Ranges of `cat_file`, `cat_ranges` and files against slices of Python."""

import io

import pytest
from hypothesis import strategies as st

pytestmark = pytest.mark.timeout(600)

SIZE = 300
limits = st.none() | st.integers(-SIZE - 50, SIZE + 50)
contents = st.binary(max_size=SIZE)


def test_ranges_are_slices(new_place, for_all):
    fs, root = new_place()
    path = f"{root}/k"

    @for_all(content=contents, pairs=st.lists(st.tuples(limits, limits), min_size=1, max_size=8))
    def check(content, pairs):
        fs.pipe_file(path, content)
        wanted = [content[start:end] for start, end in pairs]
        assert [fs.cat_file(path, start=start, end=end) for start, end in pairs] == wanted
        starts, ends = zip(*pairs, strict=True)
        assert fs.cat_ranges([path] * len(pairs), list(starts), list(ends)) == wanted


steps_of_a_reader = st.lists(
    st.one_of(
        st.tuples(st.just("seek"), st.integers(0, SIZE + 20)),
        st.tuples(st.just("back"), st.integers(0, SIZE)),
        st.tuples(st.just("read"), st.integers(-1, SIZE)),
        st.tuples(st.just("readline"), st.just(0)),
        st.tuples(st.just("readinto"), st.integers(0, 100)),
    ),
    max_size=20,
)
lines = st.text("ab\n", max_size=SIZE).map(str.encode)
caches = st.sampled_from(["none", "readahead", "bytes", "all", "blockcache"])


def step(file, kind, number, size):
    """Do one step with a file and return all there is to see."""
    if kind == "seek":
        return file.seek(number)
    if kind == "back":
        return file.seek(-min(number, size), 2)
    if kind == "read":
        return file.read(number)
    if kind == "readline":
        return file.readline()
    buffer = bytearray(number)
    return file.readinto(buffer), bytes(buffer)


def test_a_reading_file_is_like_a_bytes_io(new_place, for_all):
    fs, root = new_place()

    @for_all(
        content=contents | lines,
        steps=steps_of_a_reader,
        block_size=st.integers(1, 100),
        cache_type=caches,
    )
    def check(content, steps, block_size, cache_type):
        fs.pipe_file(f"{root}/k", content)
        model = io.BytesIO(content)
        with fs.open(f"{root}/k", "rb", block_size=block_size, cache_type=cache_type) as file:
            for kind, number in steps:
                wanted = step(model, kind, number, len(content))
                assert step(file, kind, number, len(content)) == wanted
                assert file.tell() == model.tell()


def test_pieces_written_are_the_pieces_joined(new_place, for_all):
    fs, root = new_place()
    pieces_of_a_file = st.lists(st.binary(max_size=2000), max_size=12)

    @for_all(pieces=pieces_of_a_file, more=st.binary(max_size=500))
    def check(pieces, more):
        whole = b"".join(pieces)
        with fs.open(f"{root}/k", "wb", block_size=1000) as file:
            for piece in pieces:
                assert file.write(piece) == len(piece)
            assert file.tell() == len(whole)
        assert fs.cat_file(f"{root}/k") == whole
        with fs.open(f"{root}/k", "ab") as file:
            file.write(more)
        assert fs.cat_file(f"{root}/k") == whole + more
