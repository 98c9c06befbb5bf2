"""Second clients: they change a place behind the back of the filesystem under test."""

from __future__ import annotations

import os
from pathlib import Path

from opendalfs import OpendalFileSystem
from tests.conftest import Witness


class S3Neighbour:
    """boto3, which shares no code with the package."""

    def __init__(self, witness: Witness, root: str) -> None:
        self.witness, self.root = witness, root

    def write(self, name: str, content: bytes) -> None:
        self.witness.write(f"{self.root}/{name}", content)

    def remove(self, name: str) -> None:
        self.witness.delete(f"{self.root}/{name}")

    def contents(self) -> dict[str, bytes]:
        return self.witness.contents(self.root)


class DiskNeighbour:
    """The standard library, on the same folder; it writes files in place."""

    def __init__(self, root: str) -> None:
        self.root = Path(root)

    def write(self, name: str, content: bytes) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def remove(self, name: str) -> None:
        os.remove(self.root / name)

    def contents(self) -> dict[str, bytes]:
        files = (path for path in self.root.rglob("*") if path.is_file())
        return {path.relative_to(self.root).as_posix(): path.read_bytes() for path in files}


class MemoryNeighbour:
    """Another instance: nothing else reaches the memory of this process."""

    def __init__(self, root: str) -> None:
        self.fs, self.root = OpendalFileSystem("memory", skip_instance_cache=True), root

    def write(self, name: str, content: bytes) -> None:
        self.fs.pipe_file(f"{self.root}/{name}", content)

    def remove(self, name: str) -> None:
        self.fs.rm_file(f"{self.root}/{name}")

    def contents(self) -> dict[str, bytes]:
        found = self.fs.find(self.root)
        return {name.removeprefix(f"{self.root}/"): self.fs.cat_file(name) for name in found}
