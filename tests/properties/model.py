"""What a store is, in plain Python: contents by name, and the names of directories.

Names are relative to one place, which is called by the empty name. Every operation has the result
of the same operation of a store, or raises the built-in exception that the store's own error is
one of; it then has changed nothing.
"""

from __future__ import annotations

import fnmatch
from collections import Counter
from dataclasses import dataclass, field


def parent_of(name: str) -> str:
    return name.rpartition("/")[0]


def parents_of(name: str) -> list[str]:
    """Every directory above a name, the place itself last."""
    out = []
    while name:
        name = parent_of(name)
        out.append(name)
    return out


def is_below(name: str, folder: str) -> bool:
    """Whether a name lies in a directory, at any depth."""
    return name != folder and (not folder or name.startswith(f"{folder}/"))


@dataclass
class Model:
    """The files of a place, and its directories: real ones, or those that files imply."""

    has_real_dirs: bool
    files: dict[str, bytes] = field(default_factory=dict)
    made: set[str] = field(default_factory=set)
    # How often each name was written: the same bytes again are another version.
    versions: Counter[str] = field(default_factory=Counter)

    @property
    def dirs(self) -> set[str]:
        """Names of all directories there are."""
        if self.has_real_dirs:
            return self.made
        return {folder for name in self.files for folder in parents_of(name)}

    # ---- looking

    def exists(self, name: str) -> bool:
        return name in self.files or name in self.dirs

    def info(self, name: str) -> tuple[str, int]:
        """Type and size."""
        if name in self.files:
            return "file", len(self.files[name])
        if name in self.dirs:
            return "directory", 0
        raise FileNotFoundError(name)

    def ls(self, name: str) -> dict[str, tuple[str, int]]:
        if name in self.files:
            return {name: self.info(name)}
        if name not in self.dirs:
            raise FileNotFoundError(name)
        entries = {*self.files, *self.dirs} - {""}
        return {entry: self.info(entry) for entry in entries if parent_of(entry) == name}

    def find(self, name: str) -> list[str]:
        """Names of the files below a directory; of a file, its own."""
        return sorted(n for n in self.files if n == name or is_below(n, name))

    def find_all(self, name: str) -> dict[str, tuple[str, int]]:
        """What is below a path and the path itself, directories included."""
        entries = {*self.files, *self.dirs}
        return {e: self.info(e) for e in entries if e == name or is_below(e, name)}

    def du(self, name: str) -> int:
        return sum(len(self.files[n]) for n in self.find(name))

    def glob(self, pattern: str) -> list[str]:
        """Names that match segment by segment; ``**`` is no segment here."""
        wanted = pattern.split("/")

        def matches(name: str) -> bool:
            parts = name.split("/")
            return len(parts) == len(wanted) and all(map(fnmatch.fnmatchcase, parts, wanted))

        return sorted(name for name in {*self.files, *self.dirs} - {""} if matches(name))

    def read(self, name: str, start: int | None = None, end: int | None = None) -> bytes:
        if name in self.dirs:
            raise IsADirectoryError(name)
        if name not in self.files:
            raise FileNotFoundError(name)
        return self.files[name][start:end]

    # ---- changing files

    def write(self, name: str, content: bytes) -> None:
        self.files[name] = content
        self.versions[name] += 1
        self.made.update(parents_of(name))

    def create(self, name: str, content: bytes) -> None:
        if name in self.files:
            raise FileExistsError(name)
        self.write(name, content)

    def append(self, name: str, content: bytes) -> None:
        self.write(name, self.files.get(name, b"") + content)

    def copy(self, source: str, goal: str) -> None:
        self.write(goal, self.read(source))

    def move(self, source: str, goal: str) -> None:
        content = self.read(source)
        del self.files[source]
        self.write(goal, content)

    def remove(self, name: str) -> None:
        self.read(name)
        del self.files[name]

    # ---- changing directories

    def make_dir(self, name: str, create_parents: bool) -> None:
        if not self.has_real_dirs:
            return
        if self.exists(name):
            raise FileExistsError(name)
        if not create_parents and parent_of(name) not in self.dirs:
            raise FileNotFoundError(name)
        self.made.update([name, *parents_of(name)])

    def remove_dir(self, name: str) -> None:
        if name not in self.dirs:
            raise FileNotFoundError(name)
        if self.ls(name):
            raise OSError(name)
        self.made.discard(name)

    def remove_tree(self, name: str) -> None:
        if not self.exists(name):
            raise FileNotFoundError(name)
        self.files = {n: c for n, c in self.files.items() if n not in self.find(name)}
        self.made = {d for d in self.made if d != name and not is_below(d, name)}

    def pairs(self, source: str, goal: str, *, contents: bool) -> dict[str, str]:
        """Where each entry of a tree goes, the directory itself included.

        Into a directory that is there, unless only the contents of the source are meant.
        """
        if source not in self.dirs:
            raise FileNotFoundError(source)
        if goal in self.dirs and not contents:
            goal = f"{goal}/{source.rpartition('/')[2]}"
        return {name: goal + name.removeprefix(source) for name in self.find_all(source)}

    def copy_tree(self, pairs: dict[str, str]) -> None:
        before = dict(self.files)
        for source, target in pairs.items():
            if source in before:
                self.write(target, before[source])
            else:
                self.made.update([target, *parents_of(target)])

    def move_tree(self, source: str, pairs: dict[str, str]) -> None:
        if all(name == target for name, target in pairs.items()):
            return
        if any(is_below(target, source) or target in pairs for target in pairs.values()):
            # A tree cannot be moved into or over itself.
            raise ValueError(source)
        self.copy_tree(pairs)
        self.remove_tree(source)
