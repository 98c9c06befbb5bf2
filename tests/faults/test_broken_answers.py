"""Verbs that are no reads or writes of one file heal as well; what is cut off never passes."""

import pytest

from tests.faults.doors import outcome
from tests.faults.harm import Cut, HangUp, Status, when

CONTENT = bytes(range(256)) * 4096

VERBS = {
    "info": lambda fs, join: fs.info(join("k"))["size"] == len(CONTENT),
    "exists": lambda fs, join: fs.exists(join("k")) and not fs.exists(join("nothing")),
    "isdir": lambda fs, join: fs.isdir(join("d")),
    "ls": lambda fs, join: fs.ls(join("d"), detail=False) == [join("d", "a"), join("d", "b")],
    "find": lambda fs, join: fs.find(join("d")) == [join("d", "a"), join("d", "b")],
    "glob": lambda fs, join: fs.glob(join("d", "*")) == [join("d", "a"), join("d", "b")],
    "du": lambda fs, join: fs.du(join("d")) == 2,
    "cat": lambda fs, join: list(fs.cat(join("d", "*")).values()) == [b"1", b"2"],
    "cp_file": lambda fs, join: fs.cp_file(join("k"), join("copy")) is None,
    "mv": lambda fs, join: fs.mv(join("d", "a"), join("d", "c")) is None,
    "rm_file": lambda fs, join: fs.rm_file(join("d", "b")) is None,
    "rm": lambda fs, join: fs.rm(join("d"), recursive=True) is None,
}
PASSING = {
    "500": Status(500),
    "503": Status(503),
    "a reset": HangUp(),
    "a cut": Cut(),
}


@pytest.mark.parametrize("name", PASSING)
def test_every_verb_heals_from_a_fault_that_passes(proxied, name):
    proxied.other.write("k", CONTENT)
    proxied.other.write("d/a", b"1")
    proxied.other.write("d/b", b"2")
    fs = proxied.make(use_listings_cache=False)
    for verb, call in VERBS.items():
        # Counted anew for each of them.
        proxied.proxy.fault = when(PASSING[name], times=1)
        assert call(fs, proxied.join), verb
    assert proxied.witness.contents(proxied.root) == {"k": CONTENT, "copy": CONTENT}


CUT_OFF = {
    "cat_file": (lambda fs, path: fs.cat_file(path), CONTENT),
    "a slice": (lambda fs, path: fs.cat_file(path, 10, 1000), CONTENT[10:1000]),
    "the end": (lambda fs, path: fs.cat_file(path, -1000), CONTENT[-1000:]),
    "read": (lambda fs, path: fs.open(path).read(), CONTENT),
    "readinto": (lambda fs, path: fs.open(path, cache_type="none").readinto(bytearray(9)), 9),
    "cat_ranges": (
        lambda fs, path: fs.cat_ranges([path] * 2, [5, 500], [10, 600], on_error="raise"),
        [CONTENT[5:10], CONTENT[500:600]],
    ),
}


@pytest.mark.parametrize("how", CUT_OFF)
@pytest.mark.parametrize("is_announced", [True, False])
def test_an_answer_cut_off_never_passes_for_the_object(proxied, how, is_announced):
    proxied.other.write("k", CONTENT)
    call, wanted = CUT_OFF[how]
    proxied.proxy.fault = when(Cut(is_announced=is_announced), times=2, method="GET")
    assert call(proxied.make(), proxied.join("k")) == wanted
    proxied.proxy.fault = when(Cut(0, is_announced=is_announced), method="GET")
    fs = proxied.make(retry_timeout=0.5)
    assert isinstance(outcome(lambda: call(fs, proxied.join("k"))), OSError)


@pytest.mark.parametrize("old", [None, b"old"], ids=["new", "old"])
def test_a_download_cut_off_leaves_the_local_file_as_it_was(proxied, old):
    proxied.other.write("k", CONTENT)
    target = proxied.folder / "t"
    if old is not None:
        target.write_bytes(old)
    first, last = when(Cut(), times=1, method="GET"), when(Cut(0), method="GET")
    proxied.proxy.fault = lambda request: first(request) or last(request)
    with pytest.raises(OSError, match="k"):
        proxied.make(retry_timeout=0.5).get_file(proxied.join("k"), str(target))
    assert list(proxied.folder.iterdir()) == ([] if old is None else [target])
    assert old is None or target.read_bytes() == old
