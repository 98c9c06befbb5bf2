"""Names that look like patterns, and patterns that look like nothing a server takes."""

import pytest


def test_a_name_with_brackets_is_itself_before_it_is_a_pattern(store):
    named, other = store.join("a[1].txt"), store.join("a1.txt")
    store.fs.pipe({named: b"named", other: b"other"})
    store.fs.rm(named)
    assert store.fs.cat_file(other) == b"other"
    assert not store.fs.exists(named)


def test_brackets_are_a_pattern_where_no_such_name_is(store):
    store.fs.pipe({store.join("a1.txt"): b"1", store.join("a2.txt"): b"2"})
    assert store.fs.expand_path(store.join("a[1].txt")) == [store.join("a1.txt")]


def test_names_that_begin_with_a_dot_are_found_by_pattern_and_prefix(store):
    store.fs.pipe({store.join(".h"): b"1", store.join("x"): b"2", store.join("d/y"): b"3"})
    assert store.fs.glob(store.join(".*")) == [store.join(".h")]
    assert store.fs.find(store.root, prefix=".") == [store.join(".h")]


def test_an_empty_endpoint_is_named(s3_options):
    from opendalfs import OpendalFileSystem

    with pytest.raises(ValueError, match="endpoint"):
        OpendalFileSystem("s3", **{**s3_options, "endpoint_url": ""})


@pytest.mark.parametrize("verb", ["isdir", "isfile"])
def test_wrong_credentials_are_not_taken_for_a_missing_path(s3_options, s3_prefix, verb):
    from opendalfs import OpendalFileSystem

    fs = OpendalFileSystem("s3", **{**s3_options, "secret": "wrong"})
    with pytest.raises(PermissionError):
        getattr(fs, verb)(f"{s3_prefix}/k")
