"""Wrong keys, missing buckets, endpoints where nobody answers."""

import asyncio
import time

import pytest

from opendalfs import OpendalFileSystem

CALLS = {
    "cat_file": lambda fs, place: fs.cat_file(f"{place}/k"),
    "pipe_file": lambda fs, place: fs.pipe_file(f"{place}/k", b"value"),
    "info": lambda fs, place: fs.info(f"{place}/k"),
    "ls": lambda fs, place: fs.ls(place),
    "exists": lambda fs, place: fs.exists(f"{place}/k"),
    "find": lambda fs, place: fs.find(place),
    "open rb": lambda fs, place: fs.open(f"{place}/k", "rb").close(),
    "open wb": lambda fs, place: write_by_open(fs, f"{place}/k"),
    "rm_file": lambda fs, place: fs.rm_file(f"{place}/k"),
    "rm recursive": lambda fs, place: fs.rm(f"{place}/k", recursive=True),
    "cp_file": lambda fs, place: fs.cp_file(f"{place}/k", f"{place}/l"),
    "touch": lambda fs, place: fs.touch(f"{place}/k"),
    "cat": lambda fs, place: fs.cat([f"{place}/k"]),
    "pipe": lambda fs, place: fs.pipe({f"{place}/k": b""}),
}


def write_by_open(fs, path):
    with fs.open(path, "wb") as file:
        file.write(b"value")


each_call = pytest.mark.parametrize("call", CALLS)


@each_call
def test_a_wrong_secret_is_a_permission_error(s3_options, s3_prefix, call):
    fs = OpendalFileSystem("s3", skip_instance_cache=True, **{**s3_options, "secret": "wrong"})
    with pytest.raises(PermissionError) as caught:
        CALLS[call](fs, s3_prefix)
    assert s3_prefix in str(caught.value)


@each_call
def test_an_unknown_key_is_a_permission_error(s3_options, s3_prefix, call):
    fs = OpendalFileSystem("s3", skip_instance_cache=True, **{**s3_options, "key": "nobody"})
    with pytest.raises(PermissionError):
        CALLS[call](fs, s3_prefix)


@pytest.mark.parametrize("call", [call for call in CALLS if call != "exists"])
def test_a_missing_bucket_is_not_found_and_named(s3_options, call):
    fs = OpendalFileSystem("s3", skip_instance_cache=True, **s3_options)
    with pytest.raises(FileNotFoundError, match="no-such-bucket-here"):
        CALLS[call](fs, "no-such-bucket-here")


def test_nothing_exists_in_a_missing_bucket(s3_options):
    fs = OpendalFileSystem("s3", skip_instance_cache=True, **s3_options)
    assert not fs.exists("no-such-bucket-here")
    assert not fs.exists("no-such-bucket-here/k")
    assert not fs.isdir("no-such-bucket-here")


def at(address, **options):
    return OpendalFileSystem(
        "s3",
        key="someone",
        secret="something",
        region="us-east-1",
        endpoint_url=f"http://{address}",
        skip_instance_cache=True,
        **options,
    )


def append_by_open(fs, path):
    with fs.open(path, "ab") as file:
        file.write(b"value")


MANY = [f"k{number}" for number in range(200)]
MORE_CALLS = CALLS | {
    "mv": lambda fs, place: fs.mv(f"{place}/k", f"{place}/l"),
    "copy": lambda fs, place: fs.copy(f"{place}/k", f"{place}/l"),
    "copy recursive": lambda fs, place: fs.copy(f"{place}/k", f"{place}/l", recursive=True),
    "glob": lambda fs, place: fs.glob(f"{place}/*"),
    "du": lambda fs, place: fs.du(place),
    "open ab": lambda fs, place: append_by_open(fs, f"{place}/k"),
    "touch": lambda fs, place: fs.touch(f"{place}/k", truncate=False),
    "mkdir": lambda fs, place: fs.mkdir(place),
    "ls of the buckets": lambda fs, place: fs.ls(""),
    "many cat": lambda fs, place: fs.cat([f"{place}/{name}" for name in MANY]),
    "many pipe": lambda fs, place: fs.pipe({f"{place}/{name}": b"" for name in MANY}),
    "many ranges": lambda fs, place: fs.cat_ranges(
        [f"{place}/{name}" for name in MANY], 0, 1, on_error="raise"
    ),
}
IN_ONE_GO = ["cat_file", "pipe_file", "ls", "mv", "copy", "many cat", "many pipe", "many ranges"]


@pytest.mark.parametrize("call", MORE_CALLS)
def test_a_closed_port_is_an_os_error_that_names_it(closed_port, call):
    with pytest.raises(OSError) as caught:  # noqa: PT011
        MORE_CALLS[call](at(closed_port, max_retries=1), "bucket")
    assert not isinstance(caught.value, FileNotFoundError)
    assert closed_port in str(caught.value)


def test_a_closed_port_is_given_up_in_15_seconds_with_no_option(closed_ports, in_threads):
    def fail(number):
        begin = time.monotonic()
        with pytest.raises(OSError) as caught:  # noqa: PT011
            MORE_CALLS[IN_ONE_GO[number]](at(closed_ports[number]), "bucket")
        assert not isinstance(caught.value, FileNotFoundError)
        assert closed_ports[number] in str(caught.value)
        return time.monotonic() - begin

    seconds = dict(zip(IN_ONE_GO, in_threads(len(IN_ONE_GO), fail), strict=True))
    assert all(isinstance(n, float) and n < 15 for n in seconds.values()), seconds


def test_a_silent_server_is_an_os_error_that_names_it_soon(silent_ports, in_threads):
    calls = list(MORE_CALLS)

    def fail(number):
        port = silent_ports[number]
        fs = at(port, connect_timeout=1, request_timeout=1, max_retries=1)
        begin = time.monotonic()
        with pytest.raises(OSError) as caught:  # noqa: PT011
            MORE_CALLS[calls[number]](fs, "bucket")
        assert not isinstance(caught.value, FileNotFoundError)
        assert port in str(caught.value)
        return time.monotonic() - begin

    seconds = dict(zip(calls, in_threads(len(calls), fail), strict=True))
    assert all(isinstance(n, float) and n < 15 for n in seconds.values()), seconds


def test_a_silent_server_is_given_up_in_15_seconds_with_no_option(silent_port):
    begin = time.monotonic()
    with pytest.raises(TimeoutError, match=silent_port):
        at(silent_port).cat_file("bucket/k")
    assert time.monotonic() - begin < 15


def test_a_name_that_does_not_resolve_is_an_os_error_that_names_it():
    begin = time.monotonic()
    with pytest.raises(OSError, match=r"nowhere\.invalid"):
        at("nowhere.invalid:9000").cat_file("bucket/k")
    assert time.monotonic() - begin < 15


@pytest.mark.parametrize("url", ["127.0.0.1:9000", "nonsense", "http://", "ftp://127.0.0.1"])
def test_an_endpoint_that_is_no_url_is_an_error_not_a_panic(url):
    with pytest.raises((ValueError, OSError)) as caught:
        OpendalFileSystem(
            "s3",
            key="someone",
            secret="wrong",
            region="us-east-1",
            endpoint_url=url,
            max_retries=1,
            skip_instance_cache=True,
        ).cat_file("bucket/k")
    assert "\n" not in str(caught.value)


async def test_the_asynchronous_calls_fail_as_soon(closed_port):
    fs = at(closed_port, asynchronous=True)
    begin = time.monotonic()
    found = await asyncio.gather(
        fs._cat_file("bucket/k"),
        fs._pipe_file("bucket/k", b""),
        fs._ls("bucket"),
        fs._info("bucket/k"),
        return_exceptions=True,
    )
    assert time.monotonic() - begin < 15
    assert all(isinstance(error, OSError) for error in found), found
    assert all(closed_port in str(error) for error in found)


def test_a_failed_start_does_not_spoil_a_later_call(s3_options, s3_prefix):
    fs = OpendalFileSystem("s3", skip_instance_cache=True, **s3_options)
    with pytest.raises(FileNotFoundError):
        fs.cat_file(f"{s3_prefix}/k")
    fs.pipe_file(f"{s3_prefix}/k", b"value")
    assert fs.cat_file(f"{s3_prefix}/k") == b"value"
