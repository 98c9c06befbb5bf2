"""Moving and removing trees of the local disk that hold symbolic links."""

import os

import pytest

from opendalfs import OpendalFileSystem


@pytest.fixture(params=["absolute", "rooted"])
def place(request, tmp_path):
    """Return an instance, a function that makes paths of it, and the folder they are in.

    In `tree` are links to a file and a directory beside it.
    """
    (tmp_path / "beside" / "deep").mkdir(parents=True)
    (tmp_path / "beside" / "deep" / "k").write_bytes(b"kept")
    (tmp_path / "tree" / "d").mkdir(parents=True)
    (tmp_path / "tree" / "own").write_bytes(b"own")
    (tmp_path / "tree" / "d" / "link").symlink_to("../../beside")
    # Sorted between the link and what is behind it.
    (tmp_path / "tree" / "d" / "link-").write_bytes(b"own")
    (tmp_path / "tree" / "file").symlink_to("../beside/deep/k")
    if request.param == "rooted":
        fs = OpendalFileSystem("fs", root=str(tmp_path), skip_instance_cache=True)
        return fs, lambda *names: "/".join(names), tmp_path
    fs = OpendalFileSystem("fs", skip_instance_cache=True)
    return fs, lambda *names: "/".join((str(tmp_path), *names)), tmp_path


def entries(folder):
    """Return every name below, links not entered."""
    return sorted(
        os.path.relpath(os.path.join(top, name), folder)
        for top, dirs, files in os.walk(folder)
        for name in [*dirs, *files]
    )


@pytest.mark.parametrize("names", [["tree"], ["tree", "*"], ["tree", "d"]])
def test_what_is_behind_a_link_is_not_removed_with_it(place, names):
    fs, join, folder = place
    fs.rm(join(*names), recursive=True)
    assert (folder / "beside" / "deep" / "k").read_bytes() == b"kept"
    assert not os.path.lexists(folder / "tree" / "d" / "link")
    assert not os.path.lexists(folder.joinpath(*names))


def test_a_link_to_a_directory_is_removed_itself(place):
    fs, join, folder = place
    fs.rm(join("tree", "d", "link"), recursive=True)
    assert (folder / "beside" / "deep" / "k").read_bytes() == b"kept"
    assert entries(folder / "tree") == ["d", "d/link-", "file", "own"]


def test_what_is_named_behind_a_link_is_removed(place):
    fs, join, folder = place
    fs.rm(join("tree", "d", "link", "deep"), recursive=True)
    assert entries(folder / "beside") == []


def test_a_tree_is_moved_with_its_links_and_not_what_is_behind_them(place):
    fs, join, folder = place
    fs.mv(join("tree"), join("moved"), recursive=True)
    assert entries(folder / "beside") == ["deep", "deep/k"]
    assert entries(folder / "moved") == ["d", "d/link", "d/link-", "file", "own"]
    assert os.readlink(folder / "moved" / "d" / "link") == "../../beside"
    assert not (folder / "tree").exists()
    assert fs.cat_file(join("moved", "d", "link", "deep", "k")) == b"kept"


def test_a_copy_of_a_tree_holds_what_is_behind_its_links(place):
    fs, join, folder = place
    fs.copy(join("tree"), join("copied"), recursive=True)
    assert not (folder / "copied" / "d" / "link").is_symlink()
    assert (folder / "copied" / "d" / "link" / "deep" / "k").read_bytes() == b"kept"
