"""boto3 and we read what the other wrote: bytes, listings, metadata, signed URLs."""

from __future__ import annotations

import io
import urllib.request
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

NAMES = [
    "plain",
    "deep/er/name.txt",
    "with blank",
    "trailing blank ",
    "plus+and%25percent",
    "hash#question?",
    "quote'\"&=;:@,$!()*",
    "brackets[1]{2}",
    "gr\u00fcn/\u65e5\u672c/\U0001f600",
    "tilde~dots...",
    "back\\slash",
]


@pytest.mark.parametrize("name", NAMES)
def test_key_is_stored_and_found_exactly(s3: Any, witness: Any, name: str) -> None:
    data = name.encode()
    s3.fs.pipe_file(s3.join("ours", name), data)
    witness.write(s3.join("theirs", name), data)

    assert witness.contents(s3.join("ours")) == {name: data}
    assert s3.fs.find(s3.join("theirs")) == [s3.join("theirs", name)]
    assert s3.fs.cat_file(s3.join("theirs", name)) == data
    assert s3.fs.info(s3.join("theirs", name))["size"] == len(data)


@pytest.mark.parametrize("size", [0, 1, 5 * 1024**2, 5 * 1024**2 + 1, 23_000_000])
def test_file_of_any_size_arrives_whole(s3: Any, witness: Any, size: int) -> None:
    data = (bytes(range(251)) * (size // 251 + 1))[:size]
    with s3.fs.open(s3.join("x"), "wb", block_size=5 * 1024**2) as file:
        for start in range(0, size, 700_001):
            file.write(data[start : start + 700_001])

    assert witness.read(s3.join("x")) == data
    assert s3.fs.size(s3.join("x")) == size


def test_multipart_object_of_another_client_is_read(s3: Any, boto: Any) -> None:
    data = bytes(range(256)) * 80_000
    bucket, _, key = s3.join("x").partition("/")
    boto.upload_fileobj(io.BytesIO(data), bucket, key)

    assert s3.fs.cat_file(s3.join("x")) == data
    assert s3.fs.cat_file(s3.join("x"), start=8_388_000, end=8_389_000) == data[8_388_000:8_389_000]
    with s3.fs.open(s3.join("x"), "rb") as file:
        file.seek(-1000, 2)
        assert file.read() == data[-1000:]


def test_listing_has_what_the_server_lists(s3: Any, boto: Any, witness: Any) -> None:
    for n in range(25):
        witness.write(s3.join(f"f{n % 5}", f"x{n}"), b"x" * n)
    bucket, _, prefix = s3.root.partition("/")
    listed = boto.list_objects_v2(Bucket=bucket, Prefix=f"{prefix}/")["Contents"]

    found = s3.fs.find(s3.root, detail=True)
    assert sorted(found) == [f"{bucket}/{entry['Key']}" for entry in listed]
    for entry in listed:
        info = found[f"{bucket}/{entry['Key']}"]
        assert (info["size"], info["type"]) == (entry["Size"], "file")
        assert info["ETag"].strip('"') == entry["ETag"].strip('"')
        assert abs(info["LastModified"] - entry["LastModified"]) < timedelta(seconds=1)
        assert info["mtime"].tzinfo is not None


def test_more_objects_than_a_page_are_listed(s3: Any, witness: Any) -> None:
    s3.fs.pipe({s3.join("many", f"{n:04}"): b"" for n in range(1100)})

    assert s3.fs.find(s3.join("many")) == witness.paths(s3.join("many"))
    assert len(s3.fs.ls(s3.join("many"), detail=False)) == 1100
    s3.fs.rm(s3.join("many"), recursive=True)
    assert witness.paths(s3.join("many")) == []


def test_info_has_what_the_server_tells(s3: Any, witness: Any) -> None:
    witness.write(
        s3.join("x"), b"12345", ContentType="text/markdown", Metadata={"owner": "ann", "n": "7"}
    )
    head = witness.head(s3.join("x"))

    info = s3.fs.info(s3.join("x"))
    assert (info["name"], info["size"], info["type"]) == (s3.join("x"), 5, "file")
    assert info["ETag"].strip('"') == head["ETag"].strip('"')
    assert info["ContentType"] == "text/markdown"
    assert info["Metadata"] == {"owner": "ann", "n": "7"}
    assert info["LastModified"] == info["mtime"] == head["LastModified"]


@pytest.mark.parametrize(
    ("name", "content_type"),
    [("page.html", "text/html"), ("x.json", "application/json"), ("x.png", "image/png")],
)
def test_content_type_is_guessed_from_the_name(
    s3: Any, witness: Any, tmp_path: Path, name: str, content_type: str
) -> None:
    (tmp_path / name).write_bytes(b"content")
    s3.fs.put_file(str(tmp_path / name), s3.join(name))

    assert witness.head(s3.join(name))["ContentType"] == content_type


@pytest.mark.parametrize(
    ("content_type", "metadata"),
    [("content_type", "metadata"), ("ContentType", "Metadata")],
    ids=["our names", "names of s3fs"],
)
@pytest.mark.parametrize("way", ["pipe_file", "pipe", "put_file", "put", "open"])
def test_content_type_and_metadata_may_be_given(
    s3: Any, witness: Any, tmp_path: Path, way: str, content_type: str, metadata: str
) -> None:
    given = {content_type: "text/x-special", metadata: {"owner": "ann"}}
    source = tmp_path / "x.json"
    source.write_bytes(b"content")
    target = s3.join("x")
    if way == "open":
        with s3.fs.open(target, "wb", **given) as file:
            file.write(b"content")
    elif way.startswith("put"):
        getattr(s3.fs, way)(str(source), target, **given)
    elif way == "pipe":
        s3.fs.pipe({target: b"content"}, **given)
    else:
        s3.fs.pipe_file(target, b"content", **given)

    head = witness.head(target)
    assert (head["ContentType"], head["Metadata"]) == ("text/x-special", {"owner": "ann"})
    assert witness.read(target) == b"content"


def test_copy_keeps_content_type_and_metadata(s3: Any, witness: Any) -> None:
    kept = {"ContentType": "text/x-special", "Metadata": {"owner": "ann"}}
    witness.write(s3.join("x"), b"content", **kept)

    s3.fs.copy(s3.join("x"), s3.join("copied"))
    s3.fs.mv(s3.join("x"), s3.join("moved"))
    for name in ("copied", "moved"):
        head = witness.head(s3.join(name))
        assert {key: head[key] for key in kept} == kept
        assert witness.read(s3.join(name)) == b"content"


@pytest.mark.parametrize("name", ["x.txt", "with blank+plus", "deep/50%"])
def test_signed_url_needs_no_keys(s3: Any, witness: Any, name: str) -> None:
    witness.write(s3.join(name), b"signed")
    url = s3.fs.sign(s3.join(name), expiration=60)

    with urllib.request.urlopen(url, timeout=20) as answer:
        assert answer.read() == b"signed"


def test_object_put_by_a_signed_url_is_read(s3: Any, boto: Any) -> None:
    bucket, _, key = s3.join("x").partition("/")
    url = boto.generate_presigned_url("put_object", {"Bucket": bucket, "Key": key}, ExpiresIn=60)
    with urllib.request.urlopen(
        urllib.request.Request(url, data=b"by url", method="PUT"), timeout=20
    ):
        pass

    assert s3.fs.cat_file(s3.join("x")) == b"by url"


def test_object_changed_by_another_client_is_seen_at_once(s3: Any, witness: Any) -> None:
    witness.write(s3.join("x"), b"before")
    assert s3.fs.ls(s3.root, detail=True)[0]["size"] == 6
    assert s3.fs.info(s3.join("x"))["size"] == 6

    witness.write(s3.join("x"), b"after that")
    witness.write(s3.join("new"), b"new")
    assert s3.fs.info(s3.join("x"))["size"] == 10
    assert s3.fs.cat_file(s3.join("x")) == b"after that"
    assert s3.fs.exists(s3.join("new"))
    witness.delete(s3.join("x"))
    assert not s3.fs.exists(s3.join("x"))


def test_folder_markers_of_other_clients_are_folders(s3: Any, witness: Any) -> None:
    witness.write(s3.join("folder") + "/", b"")
    witness.write(s3.join("folder", "x"), b"x")
    witness.write(s3.join("empty") + "/", b"")

    assert s3.fs.isdir(s3.join("folder"))
    assert s3.fs.isdir(s3.join("empty"))
    assert s3.fs.find(s3.root) == [s3.join("folder", "x")]
    listed = {entry["name"]: entry["type"] for entry in s3.fs.ls(s3.root, detail=True)}
    assert listed == {s3.join("folder"): "directory", s3.join("empty"): "directory"}
    assert s3.fs.ls(s3.join("folder"), detail=False) == [s3.join("folder", "x")]
    s3.fs.rm(s3.root, recursive=True)
    assert witness.paths(s3.root) == []


def test_folders_leave_no_marker(s3: Any, witness: Any) -> None:
    s3.fs.makedirs(s3.join("folder", "deep"), exist_ok=True)
    s3.fs.pipe_file(s3.join("folder", "deep", "x"), b"x")

    assert witness.contents(s3.root) == {"folder/deep/x": b"x"}
