"""Other threads run while a call waits for the store."""

import pytest


def _by_open(fs, tmp_path):
    with fs.open("slow/d/k", "rb") as file:
        return len(file.read())


def _by_readinto(fs, tmp_path):
    with fs.open("slow/d/k", "rb", cache_type="none") as file:
        return file.readinto(bytearray(1000))


def _by_write(fs, tmp_path):
    with fs.open("slow/d/k", "wb") as file:
        return file.write(b"value")


def _by_get(fs, tmp_path):
    fs.get_file("slow/d/k", str(tmp_path / "t"))
    return (tmp_path / "t").stat().st_size


def _by_put(fs, tmp_path):
    (tmp_path / "s").write_bytes(b"value")
    fs.put_file(str(tmp_path / "s"), "slow/d/k")


CALLS = {
    "cat_file": (lambda fs, _: len(fs.cat_file("slow/d/k")), 1048576),
    "cat_file range": (lambda fs, _: fs.cat_file("slow/d/k", 1, 3), b"\x01\x02"),
    "cat_file negative": (lambda fs, _: fs.cat_file("slow/d/k", -2), b"\xfe\xff"),
    "cat": (lambda fs, _: len(fs.cat(["slow/d/k", "slow/d/l"])), 2),
    "cat_ranges": (lambda fs, _: fs.cat_ranges(["slow/d/k"], 1, 2), [b"\x01"]),
    "pipe_file": (lambda fs, _: fs.pipe_file("slow/d/k", b"value")["size"], 5),
    "pipe": (lambda fs, _: (fs.pipe({"slow/d/k": b"value"}), None)[1], None),
    "info": (lambda fs, _: fs.info("slow/d/k")["size"], 1048576),
    "exists": (lambda fs, _: fs.exists("slow/d/k"), True),
    "isfile": (lambda fs, _: fs.isfile("slow/d/k"), True),
    "ls": (lambda fs, _: fs.ls("slow/d", detail=False), ["slow/d/k"]),
    "find": (lambda fs, _: fs.find("slow/d"), ["slow/d/k"]),
    "rm_file": (lambda fs, _: fs.rm_file("slow/d/k"), None),
    "open().read": (_by_open, 1048576),
    "readinto": (_by_readinto, 1000),
    "open wb": (_by_write, 5),
    "get_file": (_by_get, 1048576),
    "put_file": (_by_put, None),
}


@pytest.mark.parametrize("name", CALLS)
def test_another_thread_ticks_while_a_call_waits_a_second(slow_s3, ticks, tmp_path, name):
    call, wanted = CALLS[name]
    fs = slow_s3()
    result, count = ticks(lambda: call(fs, tmp_path))
    assert result == wanted
    assert count >= 40, f"{count} ticks of 10 ms in a second"


def test_another_thread_ticks_while_a_large_object_is_moved(s3_target, ticks):
    fs = s3_target.make()
    content = bytes(48 * 2**20)
    _, written = ticks(lambda: fs.pipe_file(s3_target.join("k"), content))
    got, read = ticks(lambda: fs.cat_file(s3_target.join("k")))
    assert got == content
    assert written + read >= 5
