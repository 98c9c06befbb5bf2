"""Measurements of micro.py that need an interpreter to themselves; each prints one number.

    python benches/probes.py import fsspec      milliseconds
    python benches/probes.py peak_get_file      MiB, beyond what the bare interpreter takes

Nothing but the standard library's smallest parts is imported before the measurement begins.
"""

from __future__ import annotations

import os
import sys
import time

MIB = 1 << 20
GIB_KEY = "gib"
PART_BYTES = 64 * MIB
WRITES = 256


def time_import(module: str) -> float:
    """Return the milliseconds an import takes."""
    begin = time.perf_counter()
    __import__(module)
    return (time.perf_counter() - begin) * 1e3


def peak(case: str) -> float:
    """Return the MiB of one transfer, the import and the connection included."""
    before = hwm_mib()
    import fsspec

    bucket = os.environ.get("S3_BUCKET", "bench-bucket")
    fs = fsspec.filesystem(
        "opendal",
        scheme="s3",
        key=os.environ.get("S3_KEY", "minioadmin"),
        secret=os.environ.get("S3_SECRET", "minioadmin"),
        endpoint_url=os.environ.get("S3_ENDPOINT", "http://127.0.0.1:9000"),
        region=os.environ.get("S3_REGION", "us-east-1"),
    )
    remote = f"{bucket}/{GIB_KEY}"
    wanted = 1024 * MIB
    if case == "peak_get_file":
        local = f"{os.environ.get('TMPDIR', '/tmp')}/opendalfs-bench-{os.getpid()}"
        try:
            fs.get_file(remote, local)
            size = os.stat(local).st_size
        finally:
            if os.path.exists(local):
                os.unlink(local)
    elif case == "peak_read":
        size = 0
        with fs.open(remote, "rb") as file:
            while piece := file.read(MIB):
                size += len(piece)
    else:
        remote, piece = f"{bucket}/out/stream{os.getpid()}", os.urandom(MIB)
        with fs.open(remote, "wb") as file:
            for _ in range(WRITES):
                file.write(piece)
        size, wanted = fs.info(remote)["size"], WRITES * MIB
        fs.rm_file(remote)
    after = hwm_mib()
    if size != wanted:
        raise SystemExit(f"wrong result: {size} instead of {wanted}")
    return after - before


def hwm_mib() -> float:
    """Return the peak memory of this process, which no parent can have left behind."""
    with open("/proc/self/status", "rb") as file:
        return next(int(line.split()[1]) / 1024 for line in file if line.startswith(b"VmHWM"))


def prepare() -> None:
    """Make the object of 1 GiB, in parts, where the bucket does not have it."""
    from candidates import BUCKET, Boto3

    client = Boto3()
    if BUCKET not in [bucket["Name"] for bucket in client.s3.list_buckets()["Buckets"]]:
        client.s3.create_bucket(Bucket=BUCKET)
    if client.keys(GIB_KEY):
        return
    where = {"Bucket": BUCKET, "Key": GIB_KEY}
    where["UploadId"] = client.s3.create_multipart_upload(**where)["UploadId"]
    data = os.urandom(PART_BYTES)
    parts = []
    for number in range(1, 1024 * MIB // PART_BYTES + 1):
        tag = client.s3.upload_part(**where, PartNumber=number, Body=data)["ETag"]
        parts.append({"PartNumber": number, "ETag": tag})
    client.s3.complete_multipart_upload(**where, MultipartUpload={"Parts": parts})


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["import", module]:
            print(time_import(module))
        case ["prepare"]:
            prepare()
        case [case]:
            print(peak(case))
