"""fsspec's own abstract suite, whole, on every store.

The suite's module ``mv`` holds no class to derive from, only two functions about fsspec's
own local filesystem; what they are about is in ``test_move.py``.
"""

from __future__ import annotations

import inspect
import os
from typing import TYPE_CHECKING, Any

import fsspec
import fsspec.tests.abstract as abstract
import pytest
from fsspec.implementations.local import LocalFileSystem, make_path_posix

if TYPE_CHECKING:
    from pathlib import Path


class Fixtures(abstract.AbstractFixtures):
    """What the suite asks for and all stores share."""

    @pytest.fixture
    def local_fs(self) -> LocalFileSystem:
        return LocalFileSystem(auto_mkdir=True)

    @pytest.fixture
    def local_path(self, tmp_path: Path) -> str:
        path = tmp_path / "local"
        path.mkdir()
        return str(path)

    @pytest.fixture
    def local_join(self) -> Any:
        return os.path.join

    @pytest.fixture
    def fs_join(self) -> Any:
        return lambda *parts: "/".join(parts)

    @pytest.fixture
    def fs_sanitize_path(self) -> Any:
        return make_path_posix if os.name == "nt" else str

    @pytest.fixture
    def supports_empty_directories(self) -> bool:
        return False


class OnMemory(Fixtures):
    @pytest.fixture
    def fs(self, memory: Any) -> Any:
        return memory.fs

    @pytest.fixture
    def fs_path(self, memory: Any) -> str:
        return memory.root


class OnS3(Fixtures):
    @pytest.fixture
    def fs(self, s3: Any) -> Any:
        return s3.fs

    @pytest.fixture
    def fs_path(self, s3: Any) -> str:
        return s3.root


class OnDisk(Fixtures):
    """The local disk by absolute paths."""

    @pytest.fixture
    def fs(self, local: Any) -> Any:
        return local.fs

    @pytest.fixture
    def fs_path(self, local: Any) -> str:
        return local.root

    @pytest.fixture
    def supports_empty_directories(self) -> bool:
        return True


class OnDiskBelowRoot(Fixtures):
    """The local disk by paths which begin at ``root=``."""

    @pytest.fixture
    def fs(self, tmp_path: Path) -> Any:
        root = tmp_path / "rooted"
        root.mkdir()
        return fsspec.filesystem("opendal", scheme="fs", root=str(root))

    @pytest.fixture
    def fs_path(self) -> str:
        return "folder"

    @pytest.fixture
    def supports_empty_directories(self) -> bool:
        return True


class TestCopyOnMemory(OnMemory, abstract.AbstractCopyTests): ...


class TestGetOnMemory(OnMemory, abstract.AbstractGetTests): ...


class TestPutOnMemory(OnMemory, abstract.AbstractPutTests): ...


class TestOpenOnMemory(OnMemory, abstract.AbstractOpenTests): ...


class TestPipeOnMemory(OnMemory, abstract.AbstractPipeTests): ...


class TestCopyOnS3(OnS3, abstract.AbstractCopyTests): ...


class TestGetOnS3(OnS3, abstract.AbstractGetTests): ...


class TestPutOnS3(OnS3, abstract.AbstractPutTests): ...


class TestOpenOnS3(OnS3, abstract.AbstractOpenTests): ...


class TestPipeOnS3(OnS3, abstract.AbstractPipeTests): ...


class TestCopyOnDisk(OnDisk, abstract.AbstractCopyTests): ...


class TestGetOnDisk(OnDisk, abstract.AbstractGetTests): ...


class TestPutOnDisk(OnDisk, abstract.AbstractPutTests): ...


class TestOpenOnDisk(OnDisk, abstract.AbstractOpenTests): ...


class TestPipeOnDisk(OnDisk, abstract.AbstractPipeTests): ...


class TestCopyOnDiskBelowRoot(OnDiskBelowRoot, abstract.AbstractCopyTests): ...


class TestGetOnDiskBelowRoot(OnDiskBelowRoot, abstract.AbstractGetTests): ...


class TestPutOnDiskBelowRoot(OnDiskBelowRoot, abstract.AbstractPutTests): ...


class TestOpenOnDiskBelowRoot(OnDiskBelowRoot, abstract.AbstractOpenTests): ...


class TestPipeOnDiskBelowRoot(OnDiskBelowRoot, abstract.AbstractPipeTests): ...


@pytest.mark.parametrize("store", [OnMemory, OnS3, OnDisk, OnDiskBelowRoot])
def test_every_class_of_the_suite_runs_on_the_store(store: type) -> None:
    offered = {
        suite
        for name, suite in inspect.getmembers(abstract, inspect.isclass)
        if name.startswith("Abstract") and name.endswith("Tests")
    }
    taken = {
        base
        for name, case in globals().items()
        if name.startswith("Test") and issubclass(case, store)
        for base in case.__mro__
    }
    assert offered
    assert offered <= taken
