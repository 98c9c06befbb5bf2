"""A bit that flips on the wire is never stored and never returned as good."""

import base64
import hashlib
import random

import pytest

from tests.faults.doors import READS, UPLOADS, WRITES, each_upload, outcome
from tests.faults.harm import GET, PART, PUT, FlipAnswer, FlipHeader, FlipSent, when

MIB = 2**20
SMALL = random.Random(3).randbytes(100_000)
LARGE = random.Random(4).randbytes(10 * MIB + 5)
PARTS = {"part_size": 5 * MIB}
KINDS = {name: (write, SMALL, PUT) for name, write in WRITES.items()}
KINDS |= {f"{name} in parts": (write, LARGE, PART) for name, write in UPLOADS.items()}

each_kind = pytest.mark.parametrize(("write", "body", "requests"), KINDS.values(), ids=KINDS)


def reflected(polynomial, bits):
    """Return a function that makes the cyclic checksum of bytes, most significant byte first."""
    table, ones = [], (1 << bits) - 1
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (polynomial if value & 1 else 0)
        table.append(value)

    def checksum(data):
        crc = ones
        for byte in data:
            crc = table[(crc ^ byte) & 0xFF] ^ crc >> 8
        return (crc ^ ones).to_bytes(bits // 8, "big")

    return checksum


crc32c = reflected(0x82F63B78, 32)

CHECKSUMS = {
    "ChecksumCRC32": reflected(0xEDB88320, 32),
    "ChecksumCRC32C": crc32c,
    "ChecksumCRC64NVME": reflected(0x9A6C9329AC4BC9B5, 64),
    "ChecksumSHA1": lambda data: hashlib.sha1(data).digest(),
    "ChecksumSHA256": lambda data: hashlib.sha256(data).digest(),
}


def encoded(digest):
    """Return a checksum as S3 writes it."""
    return base64.b64encode(digest).decode()


@each_kind
def test_uploads_carry_a_checksum_by_default(proxied, write, body, requests):
    write(proxied, proxied.join("k"), body, **PARTS)
    asked = proxied.proxy.asked(**requests)
    assert len(asked) == (1 if body is SMALL else 3)
    assert all(request.headers.get("x-amz-checksum-crc32c") for request in asked)
    assert proxied.other.read("k") == body


def test_the_checksum_of_an_upload_stays_with_the_object(proxied):
    proxied.make().pipe_file(proxied.join("k"), b"value")
    bucket, _, key = proxied.join("k").partition("/")
    head = proxied.witness.client.head_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED")
    assert head["ChecksumCRC32C"] == encoded(crc32c(b"value"))


@each_kind
def test_a_bit_flipped_once_on_the_way_up_heals(proxied, write, body, requests):
    proxied.proxy.fault = when(FlipSent(), times=1, **requests)
    write(proxied, proxied.join("k"), body, **PARTS)
    assert proxied.other.read("k") == body
    assert proxied.other.uploads() == []


@each_kind
def test_a_bit_flipped_each_time_on_the_way_up_is_never_stored(proxied, write, body, requests):
    proxied.other.write("k", b"old")
    proxied.proxy.fault = when(FlipSent(), **requests)
    with pytest.raises(OSError, match=r"(?i)checksum|digest") as caught:
        write(proxied, proxied.join("k"), body, retry_timeout=1, **PARTS)
    assert caught.value.errno
    assert proxied.other.read("k") == b"old"
    assert proxied.other.uploads() == []


@each_upload
def test_an_etag_of_a_part_that_arrives_wrong_publishes_nothing_wrong(proxied, write):
    proxied.proxy.fault = when(FlipHeader(), times=1, **PART)
    error = outcome(lambda: write(proxied, proxied.join("k"), LARGE, retry_timeout=1, **PARTS))
    if error is None:
        assert proxied.other.read("k") == LARGE
    else:
        assert isinstance(error, OSError)
        assert proxied.other.names() == []
    assert proxied.other.uploads() == []


WHOLE = {name: read for name, read in READS.items() if name.endswith(("cat_file", "get_file"))}

each_whole = pytest.mark.parametrize("read", WHOLE.values(), ids=WHOLE)


@pytest.fixture(params=CHECKSUMS)
def with_checksum(request, proxied):
    """Store an object with a checksum of each kind in turn as `k`."""
    proxied.witness.write(
        proxied.join("k"), SMALL, **{request.param: encoded(CHECKSUMS[request.param](SMALL))}
    )


@each_whole
@pytest.mark.usefixtures("with_checksum")
def test_a_bit_flipped_once_on_the_way_down_heals(proxied, read):
    proxied.proxy.fault = when(FlipAnswer(70_000), times=1, **GET)
    assert read(proxied, proxied.join("k")) == SMALL


@each_whole
@pytest.mark.usefixtures("with_checksum")
def test_a_bit_flipped_each_time_on_the_way_down_is_an_error(proxied, read):
    proxied.proxy.fault = when(FlipAnswer(70_000), **GET)
    with pytest.raises(OSError, match=r"(?i)checksum"):
        read(proxied, proxied.join("k"), retry_timeout=1)
