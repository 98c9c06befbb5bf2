"""Unfinished uploads, copies in parts, objects made of others, removals in bulk."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

import opendalfs

MIB = 2**20


def test_unfinished_uploads_are_listed_and_cleared(fs, bucket, boto):
    ids = {
        boto.create_multipart_upload(Bucket=bucket, Key=f"d/{i} +")["UploadId"] for i in range(3)
    }
    found = fs.list_multipart_uploads(bucket)
    assert {upload["UploadId"] for upload in found} == ids
    assert {upload["Key"] for upload in found} == {f"d/{i} +" for i in range(3)}
    assert all(upload["Initiated"].tzinfo for upload in found)
    one = found[0]
    fs.abort_mpu(bucket, one["Key"], one["UploadId"])
    assert len(fs.list_multipart_uploads(f"s3://{bucket}")) == 2
    fs.clear_multipart_uploads(bucket)
    assert fs.list_multipart_uploads(bucket) == []
    assert boto.list_multipart_uploads(Bucket=bucket).get("Uploads", []) == []


@pytest.fixture
def large(fs, bucket):
    """Return the path and the bytes of an object larger than two parts."""
    data = bytes(range(256)) * (11 * MIB // 256) + b"end"
    path = f"{bucket}/large"
    fs.pipe_file(
        path,
        data,
        content_type="text/x-odd",
        cache_control="max-age=7",
        metadata={"a": "1"},
        Tagging="t=1",
    )
    return path, data


@pytest.mark.parametrize("how", ["option", "managed_copy"])
def test_a_copy_in_parts_keeps_what_the_object_carries(
    make_s3, relay, large, how, boto, bucket, witness
):
    path, data = large
    options = {"multipart_copy_threshold": 6 * MIB, "copy_part_size": 5 * MIB}
    fs = make_s3(**relay.options, **(options if how == "option" else {}))
    if how == "option":
        fs.cp_file(path, f"{path}-copy")
    else:
        fs.managed_copy(path, f"{path}-copy", block=5 * MIB)
    parts = [r.query["partNumber"] for r in relay.requests if "partNumber" in r.query]
    assert sorted(parts) == ["1", "2", "3"]
    assert witness.read(f"{path}-copy") == data
    head = witness.head(f"{path}-copy")
    assert (head["ContentType"], head["CacheControl"]) == ("text/x-odd", "max-age=7")
    assert head["Metadata"] == {"a": "1"}
    tags = boto.get_object_tagging(Bucket=bucket, Key="large-copy")["TagSet"]
    assert tags == [{"Key": "t", "Value": "1"}]


def test_a_copy_may_have_the_parts_of_its_source(fs, large, bucket, boto, witness):
    _, data = large
    begun = boto.create_multipart_upload(Bucket=bucket, Key="odd")["UploadId"]
    parts = []
    for number, span in enumerate(
        [slice(5 * MIB), slice(5 * MIB, 11 * MIB), slice(11 * MIB, None)]
    ):
        named = {"Bucket": bucket, "Key": "odd", "UploadId": begun, "PartNumber": number + 1}
        etag = boto.upload_part(Body=data[span], **named)["ETag"]
        parts.append({"PartNumber": number + 1, "ETag": etag})
    whole = {"Bucket": bucket, "Key": "odd", "UploadId": begun}
    boto.complete_multipart_upload(MultipartUpload={"Parts": parts}, **whole)
    fs.copy(f"{bucket}/odd", f"{bucket}/same", preserve_etag=True)
    fs.copy(f"{bucket}/odd", f"{bucket}/other")
    assert witness.read(f"{bucket}/same") == data
    etags = [witness.head(f"{bucket}/{name}")["ETag"] for name in ("odd", "same", "other")]
    assert etags[0] == etags[1] != etags[2]


def test_a_file_of_one_part_keeps_its_etag(fs, bucket, witness):
    for name, data in {"k": b"value", "empty": b""}.items():
        fs.pipe_file(f"{bucket}/{name}", data)
        fs.cp_file(f"{bucket}/{name}", f"{bucket}/{name}-copy", preserve_etag=True)
        heads = [witness.head(f"{bucket}/{n}") for n in (name, f"{name}-copy")]
        assert heads[0]["ETag"] == heads[1]["ETag"]


def test_a_copy_in_parts_that_fails_leaves_no_upload(make_s3, relay, large, boto, bucket):
    path, _ = large
    fs = make_s3(
        **relay.options, multipart_copy_threshold=6 * MIB, copy_part_size=5 * MIB, max_retries=0
    )
    relay.fault = lambda r: "refuse" if r.query.get("partNumber") == "2" else None
    with pytest.raises(PermissionError):
        fs.cp_file(path, f"{path}-copy")
    gone = threading.Event()
    for _ in range(200):
        if not boto.list_multipart_uploads(Bucket=bucket).get("Uploads"):
            gone.set()
            break
        gone.wait(0.05)
    assert gone.is_set()
    assert not fs.exists(f"{path}-copy")


def test_a_lost_answer_to_the_end_of_a_copy_is_no_failure(
    make_s3, relay, large, boto, bucket, witness
):
    path, data = large
    fs = make_s3(**relay.options, multipart_copy_threshold=6 * MIB, copy_part_size=5 * MIB)

    def end(request):
        return request.method == "POST" and "uploadId" in request.query

    relay.fault = lambda r: "lose" if end(r) and sum(map(end, relay.requests)) == 1 else None
    fs.cp_file(path, f"{path}-copy")
    assert sum(map(end, relay.requests)) == 2
    assert witness.read(f"{path}-copy") == data
    assert boto.list_multipart_uploads(Bucket=bucket).get("Uploads", []) == []


def test_merge_makes_one_file_of_large_and_small_ones(fs, bucket, witness, relay, make_s3):
    sizes = [3, 6 * MIB, 10, 0, 12 * MIB + 1, 7]
    pieces = {f"{bucket}/{i}": bytes([i]) * size for i, size in enumerate(sizes)}
    fs.pipe(pieces)
    through = make_s3(**relay.options)
    through.merge(f"{bucket}/all", [f"s3://{name}" for name in pieces], ContentType="text/x-odd")
    assert witness.read(f"{bucket}/all") == b"".join(pieces.values())
    assert witness.head(f"{bucket}/all")["ContentType"] == "text/x-odd"
    read = sum(r.end - r.start for r in relay.requests if r.method == "GET" and r.end)
    # The two of more than 5 MiB are copied where that leaves parts that are large enough.
    assert read < 12 * MIB


@pytest.mark.parametrize("sizes", [[3], [0], [1, 2, 3]])
def test_merge_of_little(fs, bucket, witness, sizes):
    pieces = {f"{bucket}/{i}": bytes([i]) * size for i, size in enumerate(sizes)}
    fs.pipe(pieces)
    fs.ls(bucket)
    fs.merge(f"{bucket}/all", list(pieces))
    assert witness.read(f"{bucket}/all") == b"".join(pieces.values())
    assert f"{bucket}/all" in fs.ls(bucket)


def test_merge_of_nothing_and_of_what_is_missing(fs, bucket):
    with pytest.raises(ValueError, match="no files"):
        fs.merge(f"{bucket}/all", [])
    with pytest.raises(FileNotFoundError):
        fs.merge(f"{bucket}/all", [f"{bucket}/nothing"])
    assert fs.list_multipart_uploads(bucket) == []


def test_parts_of_an_upload_have_one_size(make_s3, relay, bucket, boto):
    fs = make_s3(**relay.options, fixed_upload_size=True)
    with fs.open(f"{bucket}/k", "wb", block_size=5 * MIB) as f:
        for count in (7, 1, 4, 3):
            f.write(bytes(count * MIB))
    part = boto.head_object(Bucket=bucket, Key="k", PartNumber=1)
    assert (part["PartsCount"], part["ContentLength"]) == (3, 5 * MIB)


class _Refuses(BaseHTTPRequestHandler):
    """Removes everything but keys with "stay" in them."""

    protocol_version = "HTTP/1.1"

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        code, out = 200, ""
        if self.command == "GET":
            keys = ["d/go1", "d/stay", "d/go2"]
            entries = "".join(
                f"<Contents><Key>{key}</Key><LastModified>2024-01-01T00:00:00.000Z</LastModified>"
                f'<ETag>"e"</ETag><Size>1</Size></Contents>'
                for key in keys
            )
            out = f"<ListBucketResult><IsTruncated>false</IsTruncated>{entries}</ListBucketResult>"
        elif self.command == "POST":
            self.server.removed += [k for k in ("go1", "go2") if f"d/{k}</Key>" in body]
            if "stay" in body:
                out = (
                    "<DeleteResult><Error><Key>d/stay</Key><Code>AccessDenied</Code>"
                    "<Message>it is locked</Message></Error></DeleteResult>"
                )
            else:
                out = "<DeleteResult></DeleteResult>"
        elif self.command == "DELETE":
            code = 403 if "stay" in self.path else 204
            if code == 403:
                out = "<Error><Code>AccessDenied</Code><Message>it is locked</Message></Error>"
        self.send_response(code)
        self.send_header("Content-Length", str(len(out)))
        self.end_headers()
        self.wfile.write(out.encode())

    do_GET = do_POST = do_DELETE = answer

    def log_message(self, *args):
        """Nobody reads it."""


@pytest.fixture
def refusing():
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Refuses)
    server.daemon_threads = True
    server.removed = []
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_key_that_stays_in_a_bulk_removal_is_an_error_and_the_others_go(refusing):
    fs = opendalfs.S3FileSystem(
        key="k",
        secret="s",
        endpoint_url=f"http://127.0.0.1:{refusing.server_address[1]}",
        skip_instance_cache=True,
    )
    with pytest.raises(PermissionError, match=r"b/d/stay.*AccessDenied") as caught:
        fs.rm("b/d", recursive=True)
    assert caught.value.filename == "b/d/stay"
    assert {"go1", "go2"} <= set(refusing.removed)


async def test_the_asynchronous_forms(make_s3, bucket, boto):
    fs = make_s3(asynchronous=True)
    boto.create_multipart_upload(Bucket=bucket, Key="k")
    assert len(await fs._list_multipart_uploads(bucket)) == 1
    await fs._clear_multipart_uploads(bucket)
    assert await fs._list_multipart_uploads(bucket) == []
    await fs._pipe({f"{bucket}/a": b"1", f"{bucket}/b": b"2"})
    await fs._merge(f"{bucket}/all", [f"{bucket}/a", f"{bucket}/b"])
    assert await fs._cat_file(f"{bucket}/all") == b"12"
