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


class OnStores(Fixtures):
    """Every store that files can be written to."""

    @pytest.fixture
    def fs(self, any_store: Any) -> Any:
        return any_store.fs

    @pytest.fixture
    def fs_path(self, any_store: Any) -> str:
        return any_store.root

    @pytest.fixture
    def supports_empty_directories(self, any_store: Any) -> bool:
        return any_store.fs.capabilities()["directories"]


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


class TestCopy(OnStores, abstract.AbstractCopyTests): ...


class TestGet(OnStores, abstract.AbstractGetTests): ...


class TestPut(OnStores, abstract.AbstractPutTests): ...


class TestOpen(OnStores, abstract.AbstractOpenTests): ...


class TestPipe(OnStores, abstract.AbstractPipeTests): ...


class TestCopyOnDiskBelowRoot(OnDiskBelowRoot, abstract.AbstractCopyTests): ...


class TestGetOnDiskBelowRoot(OnDiskBelowRoot, abstract.AbstractGetTests): ...


class TestPutOnDiskBelowRoot(OnDiskBelowRoot, abstract.AbstractPutTests): ...


class TestOpenOnDiskBelowRoot(OnDiskBelowRoot, abstract.AbstractOpenTests): ...


class TestPipeOnDiskBelowRoot(OnDiskBelowRoot, abstract.AbstractPipeTests): ...


@pytest.mark.parametrize("store", [OnStores, OnDiskBelowRoot])
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
