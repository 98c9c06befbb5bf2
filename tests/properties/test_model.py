"""Random sequences of operations against a plain dict of names and contents."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from hypothesis.stateful import run_state_machine_as_test as run

pytestmark = pytest.mark.timeout(600)

FILES = ["f", "g", "f.txt"]
DIRS = ["", "d/", "e/", "d/e/"]
names = st.builds("{}{}".format, st.sampled_from(DIRS), st.sampled_from(FILES))
folders = st.sampled_from(["d", "e", "d/e", "x"])
contents = st.binary(max_size=40)


def machine(new_place):
    """Return the class of a machine that works on fresh places."""

    class Model(RuleBasedStateMachine):
        @initialize()
        def begin(self):
            self.fs, self.root = new_place()
            self.wanted = {}
            self.put(name="f", content=b"")

        def path(self, name):
            return f"{self.root}/{name}"

        def below(self, folder):
            return {name for name in self.wanted if name.startswith(f"{folder}/")}

        def put(self, name, content):
            self.fs.pipe_file(self.path(name), content)
            self.wanted[name] = content

        @rule(name=names, content=contents)
        def pipe(self, name, content):
            self.put(name, content)

        @rule(name=names, content=contents)
        def create(self, name, content):
            if name in self.wanted:
                with pytest.raises(FileExistsError):
                    self.fs.pipe_file(self.path(name), content, mode="create")
            else:
                self.fs.pipe_file(self.path(name), content, mode="create")
                self.wanted[name] = content

        @rule(name=names, pieces=st.lists(contents, max_size=3))
        def write(self, name, pieces):
            with self.fs.open(self.path(name), "wb") as file:
                for piece in pieces:
                    file.write(piece)
            self.wanted[name] = b"".join(pieces)

        @rule(name=names, content=contents)
        def append(self, name, content):
            with self.fs.open(self.path(name), "ab") as file:
                file.write(content)
            self.wanted[name] = self.wanted.get(name, b"") + content

        @rule(source=names, goal=names)
        def copy(self, source, goal):
            if source == goal:
                return
            if source not in self.wanted:
                with pytest.raises(FileNotFoundError):
                    self.fs.cp_file(self.path(source), self.path(goal))
            else:
                self.fs.cp_file(self.path(source), self.path(goal))
                self.wanted[goal] = self.wanted[source]

        @rule(source=names, goal=names)
        def move(self, source, goal):
            if source not in self.wanted:
                if source != goal:
                    with pytest.raises(FileNotFoundError):
                        self.fs.mv(self.path(source), self.path(goal))
            else:
                self.fs.mv(self.path(source), self.path(goal))
                self.wanted[goal] = self.wanted.pop(source)

        @rule(source=folders, goal=st.sampled_from(["new", "new/deep"]))
        def move_folder(self, source, goal):
            if not self.below(source):
                return
            if self.below(goal):
                self.fs.rm(self.path(goal), recursive=True)
                for name in self.below(goal):
                    del self.wanted[name]
            self.fs.mv(self.path(source), self.path(goal), recursive=True)
            for name in self.below(source):
                self.wanted[goal + name.removeprefix(source)] = self.wanted.pop(name)

        @rule(source=folders, goal=folders)
        def copy_contents(self, source, goal):
            if not self.below(source) or source == goal or goal == "d/e" or source == "d/e":
                return
            self.fs.copy(self.path(source) + "/", self.path(goal) + "/", recursive=True)
            for name in self.below(source):
                self.wanted[goal + name.removeprefix(source)] = self.wanted[name]

        @rule(name=names)
        def remove(self, name):
            if name in self.wanted:
                self.fs.rm(self.path(name))
                del self.wanted[name]
            else:
                with pytest.raises(FileNotFoundError):
                    self.fs.rm(self.path(name))

        @rule(folder=folders)
        def remove_folder(self, folder):
            if self.below(folder):
                self.fs.rm(self.path(folder), recursive=True)
                for name in self.below(folder):
                    del self.wanted[name]

        @rule(name=names)
        def touch(self, name):
            self.fs.touch(self.path(name), truncate=True)
            self.wanted[name] = b""

        @rule(folder=folders)
        def listing(self, folder):
            found = set(self.fs.find(self.path(folder)))
            assert found == {self.path(name) for name in self.below(folder)}

        @rule(name=names)
        def one(self, name):
            assert self.fs.exists(self.path(name)) is (name in self.wanted)
            if name in self.wanted:
                assert self.fs.info(self.path(name))["size"] == len(self.wanted[name])
            else:
                with pytest.raises(FileNotFoundError):
                    self.fs.info(self.path(name))

        @invariant()
        def holds_what_was_written(self):
            found = self.fs.find(self.root)
            assert found == sorted(self.path(name) for name in self.wanted)
            if found:
                got = self.fs.cat(found)
                assert got == {self.path(name): value for name, value in self.wanted.items()}

    return Model


def test_the_store_behaves_like_a_dict(new_place, scheme):
    whole = settings.default.max_examples
    examples = max(5, whole // 12) if scheme == "s3" else whole // 2
    run(
        machine(new_place),
        settings=settings(max_examples=examples, stateful_step_count=30, deadline=None),
    )
