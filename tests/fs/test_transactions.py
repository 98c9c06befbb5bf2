"""Deferred commits: `autocommit=False`, `commit`, `discard`, `with fs.transaction`."""

import pytest

MIB = 2**20


@pytest.mark.parametrize("size", [3, 11 * MIB])
def test_a_file_without_autocommit_is_published_by_commit(shared, size):
    shared.other.write("k", b"old")
    file = shared.fs.open(shared.join("k"), "wb", autocommit=False, block_size=5 * MIB)
    file.write(b"n" * size)
    file.close()
    assert shared.other.read("k") == b"old"
    file.commit()
    assert shared.other.read("k") == b"n" * size
    assert shared.other.names() == ["k"]
    assert shared.other.uploads() == []


@pytest.mark.parametrize("size", [3, 11 * MIB])
def test_a_file_without_autocommit_is_dropped_by_discard(shared, size):
    shared.other.write("k", b"old")
    file = shared.fs.open(shared.join("k"), "wb", autocommit=False, block_size=5 * MIB)
    file.write(b"n" * size)
    file.close()
    file.discard()
    assert shared.other.read("k") == b"old"
    assert shared.other.names() == ["k"]
    assert shared.other.uploads() == []


def test_autocommit_off_on_every_store(store):
    path = store.join("k")
    file = store.fs.open(path, "wb", autocommit=False)
    file.write(b"new")
    file.close()
    assert not store.fs.exists(path)
    file.commit()
    assert store.fs.cat_file(path) == b"new"


def test_a_transaction_publishes_all_files_at_its_end(store):
    paths = [store.join("d", f"k{number}") for number in range(3)]
    with store.fs.transaction:
        for path in paths:
            with store.fs.open(path, "wb") as file:
                file.write(path.encode())
        assert not any(store.fs.exists(path) for path in paths)
    assert store.fs.cat(paths) == {path: path.encode() for path in paths}


def test_a_failed_transaction_publishes_nothing(store):
    kept, new = store.join("kept"), store.join("new")
    store.fs.pipe_file(kept, b"old")

    def work():
        with store.fs.transaction:
            for path in (kept, new):
                with store.fs.open(path, "wb") as file:
                    file.write(b"half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work()
    assert store.fs.cat_file(kept) == b"old"
    assert not store.fs.exists(new)
    with store.fs.open(new, "wb") as file:
        file.write(b"after the transaction files commit by themselves again")
    assert store.fs.exists(new)


def test_a_transaction_broken_inside_a_file_publishes_nothing(shared):
    shared.other.write("k", b"old")

    def work():
        with shared.fs.transaction:
            with shared.fs.open(shared.join("done"), "wb") as file:
                file.write(b"done")
            with shared.fs.open(shared.join("k"), "wb", block_size=5 * MIB) as file:
                file.write(bytes(11 * MIB))
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work()
    assert shared.other.read("k") == b"old"
    assert shared.other.names() == ["k"]
    assert shared.other.uploads() == []


def test_a_transaction_of_large_files(shared):
    with shared.fs.transaction:
        for name in ("a", "b"):
            with shared.fs.open(shared.join(name), "wb", block_size=5 * MIB) as file:
                file.write(name.encode() * (11 * MIB))
        assert not {"a", "b"} & set(shared.other.names())
        assert shared.fs.find(shared.join()) == []
    assert shared.other.names() == ["a", "b"]
    assert shared.other.read("b") == b"b" * (11 * MIB)


def test_start_and_end_of_a_transaction_by_hand(store):
    path = store.join("k")
    store.fs.start_transaction()
    with store.fs.open(path, "wb") as file:
        file.write(b"new")
    assert not store.fs.exists(path)
    store.fs.end_transaction()
    assert store.fs.cat_file(path) == b"new"


def test_reading_inside_a_transaction(store):
    path = store.join("k")
    store.fs.pipe_file(path, b"old")
    with store.fs.transaction, store.fs.open(path, "rb") as file:
        assert file.read() == b"old"


def test_exclusive_creation_in_a_transaction_refuses_an_existing_object(store):
    path = store.join("k")
    store.fs.pipe_file(path, b"old")

    def create():
        with store.fs.transaction, store.fs.open(path, "xb") as file:
            file.write(b"new")

    with pytest.raises(FileExistsError):
        create()
    assert store.fs.cat_file(path) == b"old"
    with store.fs.open(store.join("after"), "wb") as file:
        file.write(b"the transaction is over")
    assert store.fs.exists(store.join("after"))
