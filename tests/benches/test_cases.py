"""A client that does something else than a case asks for has no time."""

from __future__ import annotations

import os

import pytest

import cases
from cases import CASES

# What each reading verb has to return.
RIGHT = {
    "get_256M": cases.BIG,
    "stream_256M": cases.BIG,
    "cat_2000x10K": cases.SMALL_COUNT * cases.SMALL,
    "ranges_2000x64K": cases.RANGE_COUNT * cases.RANGE,
    "find_20000": cases.KEYS,
    "parquet_100M": cases.ROWS,
    "tiny_get_us": cases.TINY,
}


class Fake:
    """Returns one number, whatever it is asked for."""

    def __init__(self, answer: int) -> None:
        self.answer = answer

    def __getattr__(self, verb: str):
        return lambda *_: self.answer


@pytest.mark.parametrize("name", RIGHT)
def test_a_wrong_length_raises(name):
    case = CASES[name]
    given = case.setup() if case.setup else None
    case.timed(Fake(RIGHT[name]), given)
    with pytest.raises(cases.WrongResult):
        case.timed(Fake(RIGHT[name] - 1), given)


def test_every_other_case_but_info_is_verified_afterwards():
    unchecked = {name for name, case in CASES.items() if name not in RIGHT and not case.verify}
    assert unchecked == {"info_us"}


def test_a_short_download_raises(tmp_path):
    for number in range(cases.FILES):
        (tmp_path / str(number)).write_bytes(b"x" * cases.SMALL)
    os.truncate(tmp_path / "7", cases.SMALL - 1)
    with pytest.raises(cases.WrongResult):
        cases.verify_downloaded(str(tmp_path))
    (tmp_path / "7").write_bytes(b"x" * cases.SMALL)
    cases.verify_downloaded(str(tmp_path))
    assert not tmp_path.exists()


def test_etags_are_those_of_s3():
    # md5 of "abc", and of its 16 bytes of digest for an upload of one part
    assert cases.etags(b"abc") == (
        "900150983cd24fb0d6963f7d28e17f72",
        "af5da9f45af7a300e3aded972f8ff687-1",
    )
