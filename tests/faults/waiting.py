"""Waiting for what will be so in a moment."""

import socket
import time


def wait_until(check, seconds):
    """Wait until `check()` is true; it is a failure if that takes longer."""
    end = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < end, f"not so within {seconds} s"
        time.sleep(0.02)


def free_port():
    """Return the number of a port where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
