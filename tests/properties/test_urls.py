"""URLs of any path lead back to the path; what is no URL of ours stays as it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opendalfs import OpendalFileSystem, _paths
from opendalfs.services import protocols_of

# Of what URLs are made, and of what their parsers trip over.
WORDS = ["a", "/", "//", ":", "://", "?", "#", "%2F", "%", "@", " ", "+", ".", "..", "\n", "\u00e9"]
texts = st.lists(st.sampled_from(WORDS) | st.text(max_size=3), max_size=8).map("".join)
SCHEMES = ["memory", "fs", "s3"]
PROTOCOLS = ["opendal", *(name for scheme in SCHEMES for name in protocols_of(scheme))]


@given(text=texts, protocol=st.sampled_from(PROTOCOLS))
def test_a_path_behind_any_protocol_of_ours_is_that_path(text, protocol):
    path = _paths.strip_protocol(text.lstrip("/"))
    assert _paths.strip_protocol(f"{protocol}://{path}") == path
    # Behind nothing the slash is the root.
    assert _paths.strip_protocol(f"{protocol}://{path}/") == (path or "/")


@given(text=texts, foreign=st.sampled_from(["s3", "s3a", "gs"]))
def test_a_foreign_protocol_is_cut_off_where_it_is_accepted_alone(text, foreign):
    path = _paths.strip_protocol(text.lstrip("/"))
    url = f"{foreign}://{path}"
    assert _paths.strip_protocol(url, (foreign,)) == path
    assert _paths.strip_protocol(url) == url.rstrip("/")


@given(text=texts)
def test_only_slashes_at_the_end_are_cut_off_what_is_no_url(text):
    path = _paths.strip_protocol(f"k{text}")
    assert path == f"k{text}".rstrip("/")


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_name_is_a_path_again(scheme):
    fs = OpendalFileSystem(scheme)

    @given(text=texts)
    def check(text):
        path = fs._strip_protocol(f"/k{text}")
        assert path.startswith("/") is (scheme == "fs")
        assert fs._strip_protocol(path) == path
        assert fs._strip_protocol(fs.unstrip_protocol(path)) == path
        parent = fs._parent(path)
        assert path.startswith(parent)
        assert "/" not in path.removeprefix(parent).lstrip("/")

    check()
