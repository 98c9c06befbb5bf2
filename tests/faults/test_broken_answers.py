"""Servers that break off, refuse for a while, or refuse for good."""

import time

import pytest

CONTENT = bytes(range(256)) * 4096


def test_a_passing_refusal_is_tried_again(slow_s3):
    fs = slow_s3()
    assert fs.cat_file("flaky/d/k") == CONTENT
    assert fs.info("flaky/d/l")["size"] == len(CONTENT)
    assert [entry["name"] for entry in fs.ls("flaky/d")] == ["flaky/d/k"]
    fs.pipe_file("flaky/d/m", b"value")


def test_a_lasting_refusal_is_an_os_error(slow_s3):
    fs = slow_s3(max_retries=2)
    for call in (
        lambda: fs.cat_file("broken/d/k"),
        lambda: fs.info("broken/d/k"),
        lambda: fs.ls("broken/d"),
        lambda: fs.pipe_file("broken/d/k", b"value"),
    ):
        begin = time.monotonic()
        with pytest.raises(OSError) as caught:  # noqa: PT011
            call()
        assert not isinstance(caught.value, FileNotFoundError)
        assert "broken/d" in str(caught.value)
        assert time.monotonic() - begin < 15


def test_an_answer_cut_off_never_passes_for_the_object(slow_s3):
    fs = slow_s3(max_retries=2)
    for call in (
        lambda: fs.cat_file("cut/d/k"),
        lambda: fs.cat_file("cut/d/k", start=10, end=1000),
        lambda: fs.open("cut/d/k").read(),
        lambda: fs.open("cut/d/k", cache_type="none").readinto(bytearray(1000)),
    ):
        try:
            got = call()
        except OSError:
            continue
        # Going on behind the cut is as good as an error; less than the whole is not.
        assert got in (CONTENT, CONTENT[10:1000], 1000)


def test_a_download_cut_off_leaves_no_local_file(slow_s3, tmp_path):
    fs = slow_s3(max_retries=1)
    target = tmp_path / "t"
    try:
        fs.get_file("cut/d/k", str(target))
    except OSError:
        assert list(tmp_path.iterdir()) == []
    else:
        assert target.read_bytes() == CONTENT


def test_a_download_cut_off_keeps_the_old_local_file(slow_s3, tmp_path):
    fs = slow_s3(max_retries=1)
    target = tmp_path / "t"
    target.write_bytes(b"old")
    try:
        fs.get_file("cut/d/k", str(target))
    except OSError:
        assert target.read_bytes() == b"old"
        assert list(tmp_path.iterdir()) == [target]
    else:
        assert target.read_bytes() == CONTENT
