"""The listing cache: what it saves, when it forgets, what it never answers."""

import threading
import time

import pytest

from opendalfs import OpendalFileSystem


def names(fs, path, **kwargs):
    return [name.rsplit("/", 1)[-1] for name in sorted(fs.ls(path, detail=False, **kwargs))]


@pytest.fixture
def cached(shared):
    """Return an instance with a listing cache that has listed `d`, which holds `a`."""
    shared.other.write("d/a", b"a")
    fs = shared.make(use_listings_cache=True)
    assert names(fs, shared.join("d")) == ["a"]
    return fs


def test_a_listing_is_kept_until_refreshed(shared, cached):
    shared.other.write("d/b", b"b")
    assert names(cached, shared.join("d")) == ["a"]
    assert names(cached, shared.join("d"), refresh=True) == ["a", "b"]
    assert names(cached, shared.join("d")) == ["a", "b"]


def test_invalidate_cache_forgets(shared, cached):
    shared.other.write("d/b", b"b")
    cached.invalidate_cache(shared.join("d"))
    assert names(cached, shared.join("d")) == ["a", "b"]
    shared.other.write("d/c", b"c")
    cached.invalidate_cache()
    assert names(cached, shared.join("d")) == ["a", "b", "c"]


def test_without_a_cache_each_listing_is_new(shared):
    fs = shared.make(use_listings_cache=False)
    shared.other.write("d/a", b"a")
    assert names(fs, shared.join("d")) == ["a"]
    shared.other.write("d/b", b"b")
    assert names(fs, shared.join("d")) == ["a", "b"]


def test_a_listing_expires(shared):
    fs = shared.make(use_listings_cache=True, listings_expiry_time=0.5)
    shared.other.write("d/a", b"a")
    assert names(fs, shared.join("d")) == ["a"]
    shared.other.write("d/b", b"b")
    time.sleep(0.7)
    assert names(fs, shared.join("d")) == ["a", "b"]


def test_max_paths_bounds_the_cache(shared):
    fs = shared.make(use_listings_cache=True, max_paths=1)
    for place in ("d1", "d2", "d3"):
        shared.other.write(f"{place}/a", b"a")
        assert names(fs, shared.join(place)) == ["a"]
        shared.other.write(f"{place}/b", b"b")
    assert names(fs, shared.join("d1")) == ["a", "b"]


def test_a_cached_listing_is_not_changed_through_the_list_handed_out(shared, cached):
    cached.ls(shared.join("d"), detail=True).clear()
    cached.ls(shared.join("d"), detail=False).clear()
    assert names(cached, shared.join("d")) == ["a"]


def _open_wb(fs, path, tmp_path):
    with fs.open(path, "wb") as file:
        file.write(b"new")


def _open_ab(fs, path, tmp_path):
    with fs.open(path, "ab") as file:
        file.write(b"new")


def _committed(fs, path, tmp_path):
    file = fs.open(path, "wb", autocommit=False)
    file.write(b"new")
    file.close()
    fs.ls(path.rsplit("/", 1)[0])
    file.commit()


def _put_file(fs, path, tmp_path):
    (tmp_path / "local-source").write_bytes(b"new")
    fs.put_file(str(tmp_path / "local-source"), path)


def _put(fs, path, tmp_path):
    (tmp_path / "local-source").write_bytes(b"new")
    fs.put(str(tmp_path / "local-source"), path)


def _cp_file(fs, path, tmp_path):
    fs.cp_file(path.rsplit("/", 1)[0] + "/a", path)


def _copy(fs, path, tmp_path):
    fs.copy(path.rsplit("/", 1)[0] + "/a", path)


WRITES = {
    "pipe_file": lambda fs, path, _: fs.pipe_file(path, b"new"),
    "pipe": lambda fs, path, _: fs.pipe({path: b"new"}),
    "write": lambda fs, path, _: fs.write(path, b"new"),
    "touch": lambda fs, path, _: fs.touch(path),
    "open wb": _open_wb,
    "open ab": _open_ab,
    "commit": _committed,
    "put_file": _put_file,
    "put": _put,
    "cp_file": _cp_file,
    "copy": _copy,
}


@pytest.mark.parametrize("how", WRITES)
def test_a_write_of_this_instance_is_seen_at_once(shared, cached, tmp_path, how):
    WRITES[how](cached, shared.join("d", "new"), tmp_path)
    assert names(cached, shared.join("d")) == ["a", "new"]


@pytest.mark.parametrize("how", [how for how in WRITES if how != "commit"])
def test_a_write_into_a_new_directory_is_seen_in_the_directories_above(
    shared, cached, tmp_path, how
):
    if how in ("cp_file", "copy"):
        shared.other.write("d/n1/n2/a", b"a")
    else:
        assert names(cached, shared.join("d")) == ["a"]
    WRITES[how](cached, shared.join("d", "n1", "n2", "new"), tmp_path)
    assert names(cached, shared.join("d")) == ["a", "n1"]


@pytest.mark.parametrize("how", ["rm", "rm_file", "mv", "rm recursive", "rm list"])
def test_a_removal_by_this_instance_is_seen_at_once(shared, how):
    shared.other.write("d/a", b"a")
    shared.other.write("d/b", b"b")
    fs = shared.make(use_listings_cache=True)
    place, path = shared.join("d"), shared.join("d", "b")
    assert names(fs, place) == ["a", "b"]
    if how == "rm":
        fs.rm(path)
    elif how == "rm_file":
        fs.rm_file(path)
    elif how == "mv":
        fs.mv(path, shared.join("moved"))
    elif how == "rm recursive":
        fs.rm(path, recursive=True)
    else:
        fs.rm([path])
    assert names(fs, place) == ["a"]


def test_a_directory_moved_by_this_instance_is_seen_on_both_sides(shared, cached):
    assert names(cached, shared.join()) == ["d"]
    cached.mv(shared.join("d"), shared.join("e"), recursive=True)
    assert names(cached, shared.join("e")) == ["a"]
    assert names(cached, shared.join()) == ["e"]
    with pytest.raises(FileNotFoundError):
        cached.ls(shared.join("d"))


def test_an_overwritten_file_shows_its_new_size(shared, cached):
    cached.pipe_file(shared.join("d", "a"), b"longer")
    (entry,) = cached.ls(shared.join("d"), detail=True)
    assert entry["size"] == 6


def test_a_cached_listing_never_hides_an_object_of_another_client(shared, cached):
    path = shared.join("d", "b")
    shared.other.write("d/b", b"bb")
    assert cached.exists(path)
    assert cached.isfile(path)
    assert cached.info(path)["size"] == 2
    assert cached.size(path) == 2
    assert cached.cat_file(path) == b"bb"
    with cached.open(path) as file:
        assert file.read() == b"bb"


def test_a_cached_missing_answer_never_hides_a_new_object(shared, cached):
    path = shared.join("e", "x")
    assert not cached.exists(path)
    assert not cached.isdir(shared.join("e"))
    shared.other.write("e/x", b"x")
    assert cached.exists(path)
    assert cached.isdir(shared.join("e"))
    assert names(cached, shared.join("e")) == ["x"]


def test_a_cached_listing_never_gives_the_old_size_of_one_object(shared, cached):
    shared.other.write("d/a", b"a longer content")
    assert cached.info(shared.join("d", "a"))["size"] == 16
    with cached.open(shared.join("d", "a")) as file:
        assert file.read() == b"a longer content"
    assert cached.cat_file(shared.join("d", "a"), start=-7) == b"content"


def test_a_cached_listing_never_shows_one_deleted_object_as_there(shared, cached):
    shared.other.delete("d/a")
    assert not cached.exists(shared.join("d", "a"))
    with pytest.raises(FileNotFoundError):
        cached.info(shared.join("d", "a"))


def test_find_with_a_prefix_does_not_shorten_later_listings(shared):
    for name in ("d/a1", "d/a2", "d/b1"):
        shared.other.write(name, b"")
    fs = shared.make(use_listings_cache=True)
    assert len(fs.find(shared.join("d"), prefix="a")) == 2
    assert names(fs, shared.join("d")) == ["a1", "a2", "b1"]
    assert len(fs.glob(shared.join("d", "b*"))) == 1
    assert len(fs.find(shared.join("d"))) == 3


def test_find_with_maxdepth_does_not_shorten_later_listings(shared):
    for name in ("d/a", "d/e/b", "d/e/f/c"):
        shared.other.write(name, b"")
    fs = shared.make(use_listings_cache=True)
    assert len(fs.find(shared.join("d"), maxdepth=1)) == 1
    assert len(fs.find(shared.join("d"))) == 3
    assert names(fs, shared.join("d", "e")) == ["b", "f"]


def test_a_directory_that_is_gone_is_forgotten_when_refreshed(shared, cached):
    shared.fs.rm(shared.join("d"), recursive=True)
    for refresh in (True, False):
        with pytest.raises(FileNotFoundError):
            cached.ls(shared.join("d"), refresh=refresh)


@pytest.fixture
def relayed(relay, s3_prefix, witness):
    """Return an instance that keeps listings, behind the relay, and a directory with `a`."""
    witness.write(f"{s3_prefix}/d/a", b"a")
    fs = OpendalFileSystem("s3", use_listings_cache=True, skip_instance_cache=True, **relay.options)
    return fs, f"{s3_prefix}/d"


@pytest.mark.parametrize("how", ["write", "invalidate", "invalidate all"])
def test_a_listing_that_was_under_way_during_a_change_is_not_kept(relayed, relay, witness, how):
    fs, place = relayed
    relay.fault = lambda request: "stall" if "list-type" in request.query else None
    lister = threading.Thread(target=fs.ls, args=(place,))
    lister.start()
    assert relay.stalled.wait(30)
    if how == "write":
        fs.pipe_file(f"{place}/b", b"b")
    else:
        witness.write(f"{place}/b", b"b")
        fs.invalidate_cache(place if how == "invalidate" else None)
    relay.release()
    lister.join(30)
    assert names(fs, place) == ["a", "b"]


def test_a_move_that_failed_half_way_is_seen(relayed, relay):
    fs, place = relayed
    assert names(fs, place) == ["a"]
    # On S3 a move is a copy and a removal.
    relay.fault = lambda request: "refuse" if request.method == "DELETE" else None
    with pytest.raises(PermissionError):
        fs.mv(f"{place}/a", f"{place}/b")
    assert names(fs, place) == ["a", "b"]


@pytest.mark.parametrize("arguments", [{"detail": True}, {"withdirs": True}])
def test_find_with_details_spares_later_listings(relay, s3, arguments):
    for name in ("d/a", "d/e/b", "d/e/f/c", "d/e/f.x", "d/g/h/i/k"):
        s3.fs.pipe_file(s3.join(name), b"xx")
    fresh = OpendalFileSystem("s3", skip_instance_cache=True, **relay.options)
    fs = OpendalFileSystem("s3", skip_instance_cache=True, **relay.options)
    fs.find(s3.join("d"), **arguments)
    before = len(relay.requests)

    listed = [fs.ls(s3.join(name), detail=True) for name in ("d", "d/e", "d/e/f", "d/g/h")]

    assert len(relay.requests) == before
    assert listed == [fresh.ls(s3.join(n), detail=True) for n in ("d", "d/e", "d/e/f", "d/g/h")]


def test_find_of_a_file_with_details_keeps_no_listing_of_it(shared):
    shared.other.write("d/a", b"a")
    fs = shared.make(use_listings_cache=True)

    assert list(fs.find(shared.join("d", "a"), detail=True)) == [shared.join("d", "a")]
    assert fs.ls(shared.join("d", "a"), detail=False) == [shared.join("d", "a")]


def test_a_write_is_seen_in_what_find_kept(shared):
    shared.other.write("d/e/a", b"a")
    fs = shared.make(use_listings_cache=True)
    fs.find(shared.join(), detail=True)
    fs.pipe_file(shared.join("d", "e", "b"), b"b")

    assert names(fs, shared.join("d", "e")) == ["a", "b"]
