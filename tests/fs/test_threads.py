"""Many threads on one instance."""

import random

from opendalfs import OpendalFileSystem

MIB = 2**20


def test_sixteen_threads_mix_every_kind_of_call(store, in_threads, tmp_path):
    fs = store.fs

    def work(index):
        rng = random.Random(index)
        for turn in range(8):
            place = store.join(f"t{index}", f"n{turn}")
            content = rng.randbytes(rng.choice([0, 10, 70_000]))
            fs.pipe_file(f"{place}/a", content)
            assert fs.cat_file(f"{place}/a") == content
            assert fs.info(f"{place}/a")["size"] == len(content)
            with fs.open(f"{place}/b", "wb") as file:
                file.write(content)
                file.write(b"end")
            with fs.open(f"{place}/b", "rb") as file:
                assert file.read() == content + b"end"
            fs.cp_file(f"{place}/a", f"{place}/c")
            assert len(fs.ls(place)) == 3
            assert len(fs.find(store.join(f"t{index}"))) == 2 * turn + 3
            fs.get_file(f"{place}/c", str(tmp_path / f"local-{index}"))
            assert (tmp_path / f"local-{index}").read_bytes() == content
            fs.rm(f"{place}/a")
            assert not fs.exists(f"{place}/a")
        return "done"

    assert in_threads(16, work) == ["done"] * 16


def test_threads_write_large_files_side_by_side(store, in_threads):
    def work(index):
        content = bytes([index]) * (11 * MIB)
        with store.fs.open(store.join(f"k{index}"), "wb", block_size=5 * MIB) as file:
            for start in range(0, len(content), MIB):
                file.write(content[start : start + MIB])
        return store.fs.cat_file(store.join(f"k{index}")) == content

    assert in_threads(4, work) == [True] * 4


def test_threads_write_one_name_and_one_of_them_wins_whole(store, in_threads):
    path = store.join("k")

    def work(index):
        store.fs.pipe_file(path, bytes([index]) * 200_000)

    assert in_threads(8, work) == [None] * 8
    content = store.fs.cat_file(path)
    assert len(content) == 200_000
    assert len(set(content)) == 1


def test_threads_make_instances_at_once(in_threads, tmp_path):
    def work(index):
        fs = OpendalFileSystem("fs", root=str(tmp_path), skip_instance_cache=True)
        fs.pipe_file(f"k{index}", b"%d" % index)
        return fs.cat_file(f"k{index}")

    assert in_threads(16, work) == [b"%d" % index for index in range(16)]


def test_threads_read_files_of_one_object(store, in_threads):
    content = random.Random(4).randbytes(3 * MIB)
    path = store.join("k")
    store.fs.pipe_file(path, content)

    def work(index):
        rng = random.Random(index)
        with store.fs.open(path, "rb", block_size=65_536) as file:
            for _ in range(20):
                place = rng.randrange(len(content))
                file.seek(place)
                assert file.read(1000) == content[place : place + 1000]
        return True

    assert in_threads(16, work) == [True] * 16
