"""Files whose writes end half-way: nobody knows which bytes went, so nothing more is taken."""

import asyncio

import pytest

from opendalfs import OpendalFileSystem

PART = 5 * 2**20


def refuse_parts(request):
    return "refuse" if request.method == "PUT" and "partNumber" in request.query else None


def stall_parts(request):
    return "stall" if request.method == "PUT" and "partNumber" in request.query else None


def write_until_it_fails(file):
    for _ in range(20):
        file.write(bytes(PART))


def test_a_file_cannot_be_gone_on_with_after_a_failed_write(relay, s3_prefix, witness):
    witness.write(f"{s3_prefix}/k", b"old")
    fs = OpendalFileSystem("s3", skip_instance_cache=True, **relay.options)
    file = fs.open(f"{s3_prefix}/k", "wb", block_size=PART)
    relay.fault = refuse_parts
    with pytest.raises(PermissionError):
        write_until_it_fails(file)
    relay.release()
    with pytest.raises(OSError, match="half-way"):
        file.write(b"more")
    with pytest.raises(OSError, match="half-way"):
        file.close()
    assert witness.contents(s3_prefix) == {"k": b"old"}


def test_what_was_refused_is_not_written_twice(relay, s3_prefix, witness):
    fs = OpendalFileSystem("s3", skip_instance_cache=True, **relay.options)
    file = fs.open(f"{s3_prefix}/k", "ab", block_size=PART)
    # To begin an append is to look at what is there.
    relay.fault = lambda request: "refuse"
    with pytest.raises(PermissionError):
        file.write(bytes(PART))
    relay.release()
    with pytest.raises(OSError, match="half-way"):
        file.write(bytes(PART))
    with pytest.raises(OSError, match="half-way"):
        file.close()
    assert witness.contents(s3_prefix) == {}


async def test_a_file_cannot_be_gone_on_with_after_a_cancelled_write(relay, s3_prefix, witness):
    witness.write(f"{s3_prefix}/k", b"old")
    fs = OpendalFileSystem("s3", asynchronous=True, skip_instance_cache=True, **relay.options)
    file = await fs.open_async(f"{s3_prefix}/k", "wb", part_bytes=PART)
    relay.fault = stall_parts

    async def write_on():
        while True:
            await file.write(bytes(8 * 2**20))

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(write_on(), 1)
    relay.release()
    with pytest.raises(OSError, match="half-way"):
        await file.write(b"more")
    with pytest.raises(OSError, match="half-way"):
        await file.close()
    assert witness.contents(s3_prefix) == {"k": b"old"}
