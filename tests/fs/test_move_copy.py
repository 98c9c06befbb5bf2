"""Moving and copying inside one store."""

import pytest
from fsspec.callbacks import Callback

from opendalfs import errors
from opendalfs.fs import OpendalFileSystem


def test_cp_file_copies_the_content(store, tree):
    store.fs.cp_file(store.join("b.bin"), store.join("new", "copy.bin"))
    assert store.fs.cat_file(store.join("new", "copy.bin")) == tree["b.bin"]
    assert store.fs.cat_file(store.join("b.bin")) == tree["b.bin"]


def test_cp_file_replaces_the_target(store, tree):
    store.fs.cp_file(store.join("a.txt"), store.join("b.bin"))
    assert store.fs.cat_file(store.join("b.bin")) == tree["a.txt"]


def test_cp_file_of_a_missing_object_raises_and_keeps_the_target(store, tree):
    with pytest.raises(FileNotFoundError) as caught:
        store.fs.cp_file(store.join("missing"), store.join("a.txt"))
    assert "missing" in str(caught.value)
    assert store.fs.cat_file(store.join("a.txt")) == tree["a.txt"]


def test_copy_onto_itself_keeps_the_content(store, tree):
    try:
        store.fs.cp_file(store.join("a.txt"), store.join("a.txt"))
    except OSError as error:
        assert "a.txt" in str(error)  # noqa: PT017
    assert store.fs.cat_file(store.join("a.txt")) == tree["a.txt"]


def test_cp_file_tells_a_callback_the_bytes(store):
    store.fs.pipe_file(store.join("k"), bytes(300_000))
    callback = Callback()
    store.fs.cp_file(store.join("k"), store.join("copy"), callback=callback)
    assert callback.size == 300_000
    assert callback.value == 300_000


def test_copy_of_a_file_to_a_file_and_into_a_directory(store, tree):
    store.fs.copy(store.join("a.txt"), store.join("z.txt"))
    assert store.fs.cat_file(store.join("z.txt")) == tree["a.txt"]
    store.fs.copy(store.join("a.txt"), store.join("sub") + "/")
    assert store.fs.cat_file(store.join("sub", "a.txt")) == tree["a.txt"]
    store.fs.cp(store.join("a.txt"), store.join("other"))
    assert store.fs.cat_file(store.join("other", "a.txt")) == tree["a.txt"]


def test_copy_recursive_to_a_new_name(store, tree, relative):
    store.fs.copy(store.join("sub"), store.join("twin"), recursive=True)
    assert relative(store.fs.find(store.join("twin"))) == [
        "twin/c.txt",
        "twin/deep/d.txt",
        "twin/deep/e.csv",
    ]
    assert store.fs.cat_file(store.join("twin", "deep", "d.txt")) == tree["sub/deep/d.txt"]


def test_copy_recursive_into_an_existing_directory(store, tree, relative):
    store.fs.copy(store.join("sub"), store.join("other"), recursive=True)
    assert relative(store.fs.find(store.join("other"))) == [
        "other/f.csv",
        "other/sub/c.txt",
        "other/sub/deep/d.txt",
        "other/sub/deep/e.csv",
    ]


def test_copy_recursive_with_a_trailing_slash_copies_the_contents(store, tree, relative):
    store.fs.copy(store.join("sub") + "/", store.join("other"), recursive=True)
    assert relative(store.fs.find(store.join("other"))) == [
        "other/c.txt",
        "other/deep/d.txt",
        "other/deep/e.csv",
        "other/f.csv",
    ]


def test_copy_recursive_with_maxdepth(store, tree, relative):
    store.fs.pipe_file(store.join("sub", "c2.txt"), b"")
    store.fs.copy(store.join("sub") + "/", store.join("twin") + "/", recursive=True, maxdepth=1)
    assert relative(store.fs.find(store.join("twin"))) == ["twin/c.txt", "twin/c2.txt"]


def test_copy_of_a_glob(store, tree, relative):
    store.fs.copy(store.join("sub", "deep", "*"), store.join("flat") + "/")
    assert relative(store.fs.find(store.join("flat"))) == ["flat/d.txt", "flat/e.csv"]


def test_copy_of_lists(store, tree):
    sources = [store.join("a.txt"), store.join("sub", "c.txt")]
    targets = [store.join("l", "1"), store.join("l", "2")]
    store.fs.copy(sources, targets)
    assert store.fs.cat_file(targets[0]) == tree["a.txt"]
    assert store.fs.cat_file(targets[1]) == tree["sub/c.txt"]


def test_copy_of_a_missing_path_raises(store, tree):
    with pytest.raises(FileNotFoundError):
        store.fs.copy(store.join("missing"), store.join("x"))
    with pytest.raises(FileNotFoundError):
        store.fs.copy(store.join("missing"), store.join("x"), recursive=True)
    assert not store.fs.exists(store.join("x"))


def test_copy_with_on_error_ignore_goes_on(store, tree):
    sources = [store.join("missing"), store.join("a.txt")]
    targets = [store.join("l", "1"), store.join("l", "2")]
    store.fs.copy(sources, targets, on_error="ignore")
    assert store.fs.cat_file(targets[1]) == tree["a.txt"]
    assert not store.fs.exists(targets[0])


def test_mv_of_a_file(store, tree, relative):
    store.fs.mv(store.join("a.txt"), store.join("new", "z.txt"))
    assert store.fs.cat_file(store.join("new", "z.txt")) == tree["a.txt"]
    assert relative(store.fs.find(store.root)) == sorted(set(tree) - {"a.txt"} | {"new/z.txt"})


def test_mv_of_a_file_into_a_directory(store, tree):
    store.fs.mv(store.join("a.txt"), store.join("sub") + "/")
    assert store.fs.cat_file(store.join("sub", "a.txt")) == tree["a.txt"]
    assert not store.fs.exists(store.join("a.txt"))


def test_mv_of_a_file_replaces_the_target(store, tree):
    store.fs.mv(store.join("a.txt"), store.join("b.bin"))
    assert store.fs.cat_file(store.join("b.bin")) == tree["a.txt"]
    assert not store.fs.exists(store.join("a.txt"))


def test_mv_of_a_directory(store, tree, relative):
    store.fs.mv(store.join("sub"), store.join("moved"), recursive=True)
    assert relative(store.fs.find(store.root)) == [
        "a.txt",
        "b.bin",
        "moved/c.txt",
        "moved/deep/d.txt",
        "moved/deep/e.csv",
        "other/f.csv",
    ]
    assert store.fs.cat_file(store.join("moved", "deep", "e.csv")) == tree["sub/deep/e.csv"]
    assert not store.fs.exists(store.join("sub"))


def test_mv_of_a_directory_into_an_existing_one(store, tree, relative):
    store.fs.mv(store.join("sub"), store.join("other"), recursive=True)
    assert relative(store.fs.find(store.join("other"))) == [
        "other/f.csv",
        "other/sub/c.txt",
        "other/sub/deep/d.txt",
        "other/sub/deep/e.csv",
    ]
    assert not store.fs.exists(store.join("sub"))


def test_mv_onto_itself_keeps_the_object(store, tree):
    store.fs.mv(store.join("a.txt"), store.join("a.txt"))
    assert store.fs.cat_file(store.join("a.txt")) == tree["a.txt"]


@pytest.mark.parametrize("recursive", [False, True])
def test_mv_of_a_missing_path_raises(store, tree, relative, recursive):
    with pytest.raises(FileNotFoundError):
        store.fs.mv(store.join("missing"), store.join("x"), recursive=recursive)
    assert relative(store.fs.find(store.root)) == sorted(tree)


def test_move_and_rename_are_mv(store, tree):
    store.fs.move(store.join("a.txt"), store.join("m.txt"))
    store.fs.rename(store.join("m.txt"), store.join("r.txt"))
    assert store.fs.cat_file(store.join("r.txt")) == tree["a.txt"]
    assert not store.fs.exists(store.join("m.txt"))


def test_mv_does_not_lose_an_object_larger_than_one_part(store):
    content = bytes(range(256)) * 50_000
    store.fs.pipe_file(store.join("k"), content)
    store.fs.mv(store.join("k"), store.join("moved"))
    assert store.fs.cat_file(store.join("moved")) == content
    assert not store.fs.exists(store.join("k"))


@pytest.mark.parametrize("how", ["cp_file", "copy", "mv"])
def test_a_copy_keeps_content_type_and_metadata(s3, boto, s3_key_prefix, how):
    bucket = s3.root.split("/")[0]
    boto.put_object(
        Bucket=bucket,
        Key=f"{s3_key_prefix}/k.dat",
        Body=b"x",
        ContentType="application/x-odd",
        Metadata={"owner": "tests"},
    )
    getattr(s3.fs, how)(s3.join("k.dat"), s3.join("copy.csv"))
    head = boto.head_object(Bucket=bucket, Key=f"{s3_key_prefix}/copy.csv")
    assert head["ContentType"] == "application/x-odd"
    assert head["Metadata"] == {"owner": "tests"}


def test_what_another_client_writes_during_a_move_is_not_removed(relay, s3_prefix, witness):
    witness.write(f"{s3_prefix}/a", b"old")
    fs = OpendalFileSystem("s3", skip_instance_cache=True, **relay.options)
    copies = []

    def watch(request):
        if request.method == "HEAD" and copies:
            witness.write(f"{s3_prefix}/a", b"new")
        if request.method == "PUT":
            copies.append(request.path)

    relay.fault = watch
    with pytest.raises(errors.Changed, match="stays beside it"):
        fs.mv(f"{s3_prefix}/a", f"{s3_prefix}/b")
    assert witness.contents(s3_prefix) == {"a": b"new", "b": b"old"}
