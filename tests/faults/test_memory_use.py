"""Streaming a large object holds a few blocks of it, not the whole."""

import pytest

PROGRAM = """
import resource
MIB = 2**20
def peak():
    # ru_maxrss is in KiB on Linux and in bytes on macOS.
    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return size // MIB if sys.platform == "darwin" else size // 1024
fs = new()
fs.pipe_file(join("small"), b"")
fs.cat_file(join("small"))
with fs.open(join("warm"), "wb", block_size=5 * MIB) as file:
    file.write(bytes(12 * MIB))
before = peak()
"""

WORK = {
    "writing": """
piece = bytes(MIB)
with fs.open(join("k"), "wb", block_size=5 * MIB) as file:
    for _ in range(256):
        file.write(piece)
assert fs.info(join("k"))["size"] == 256 * MIB
""",
    "uploading": """
with open(sys.argv[3].replace("/", "_") + ".tmp", "wb") as local:
    local.truncate(256 * MIB)
try:
    fs.put_file(local.name, join("k"))
finally:
    os.unlink(local.name)
assert fs.info(join("k"))["size"] == 256 * MIB
""",
    "reading": """
other = new(use_listings_cache=False)
with other.open(join("k"), "wb", block_size=5 * MIB) as file:
    for _ in range(256):
        file.write(bytes(MIB))
before = peak()
with fs.open(join("k"), "rb", block_size=5 * MIB) as file:
    count = 0
    while piece := file.read(MIB):
        count += len(piece)
assert count == 256 * MIB
""",
    "downloading": """
with fs.open(join("k"), "wb", block_size=5 * MIB) as file:
    for _ in range(256):
        file.write(bytes(MIB))
before = peak()
target = sys.argv[3].replace("/", "_") + ".tmp"
fs.get_file(join("k"), target)
assert os.path.getsize(target) == 256 * MIB
os.unlink(target)
""",
}


@pytest.mark.parametrize("how", WORK)
def test_a_large_object_passes_through_little_memory(shared, how, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = shared.run(PROGRAM + WORK[how] + "print(peak() - before)", timeout=100)
    assert done.code == 0, done.err
    assert int(done.out) < 128, f"{done.out.strip()} MiB more than before"
