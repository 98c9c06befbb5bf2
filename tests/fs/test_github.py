"""GitHub through another endpoint: a small server with the API's part for contents.

The real API cannot be reached by tests; what is asked of it can.
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from urllib.parse import unquote, urlsplit

import pytest

from opendalfs import GithubFileSystem

CONTENTS = "/api/v3/repos/me/project/contents/"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    files: dict[str, bytes]
    tokens: list[str]

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.tokens.append(self.headers.get("Authorization", ""))
        url = urlsplit(self.path)
        path = unquote(url.path)
        if path.startswith("/api/v3/trees/"):
            self.reply(200, {"tree": self.below(path.removeprefix("/api/v3/trees/"))})
        elif not path.startswith(CONTENTS):
            self.reply(400, {"message": f"no such call: {path}"})
        else:
            name = path.removeprefix(CONTENTS).strip("/")
            getattr(self, f"on_{self.command.lower()}")(name, json.loads(body or b"{}"))

    do_GET = do_PUT = do_DELETE = answer

    def on_get(self, name, _):
        if name in self.files:
            if "raw" in self.headers["Accept"]:
                self.reply(200, self.files[name])
            else:
                self.reply(200, self.entry(name))
        elif not name or any(file.startswith(f"{name}/") for file in self.files):
            tree = f"http://{self.headers['Host']}/api/v3/trees/{name}"
            prefix = f"{name}/" if name else ""
            names = {
                prefix + f[len(prefix) :].split("/")[0] for f in self.files if f.startswith(prefix)
            }
            self.reply(
                200,
                {
                    "type": "dir",
                    "path": name,
                    "size": 0,
                    "sha": "0",
                    "git_url": tree,
                    "entries": [self.entry(n) for n in sorted(names)],
                },
            )
        else:
            self.reply(404, {"message": "Not Found"})

    def on_put(self, name, body):
        is_there = name in self.files
        if is_there and body.get("sha") != self.sha(name):
            self.reply(409, {"message": "sha does not match"})
            return
        self.files[name] = base64.b64decode(body["content"])
        self.reply(200 if is_there else 201, {"content": self.entry(name)})

    def on_delete(self, name, body):
        if body["sha"] != self.sha(name):
            self.reply(409, {"message": "sha does not match"})
            return
        del self.files[name]
        self.reply(200, {})

    def below(self, name):
        prefix = f"{name}/" if name else ""
        found = [f.removeprefix(prefix) for f in sorted(self.files) if f.startswith(prefix)]
        dirs = {f.rpartition("/")[0] for f in found} - {""}
        return [
            {"path": f, "type": "blob", "size": len(self.files[prefix + f]), "sha": "0"}
            for f in found
        ] + [{"path": d, "type": "tree", "sha": "0"} for d in sorted(dirs)]

    def sha(self, name):
        return hashlib.sha1(self.files[name]).hexdigest()

    def entry(self, name):
        if name not in self.files:
            return {"type": "dir", "path": name, "size": 0, "sha": "0"}
        size = len(self.files[name])
        return {"type": "file", "path": name, "size": size, "sha": self.sha(name)}

    def reply(self, code, body):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response_only(code)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args):
        pass


@pytest.fixture
def github():
    """Give a server, the files of its one repository and the tokens it was shown."""
    found = {"README.md": b"# project\n", "src/a.py": b"a = 1\n", "src/lib/b.py": b"b = 2\n"}
    handler = type("Handler", (_Handler,), {"files": found, "tokens": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    endpoint = f"http://127.0.0.1:{server.server_address[1]}/api/v3"
    fs = GithubFileSystem(
        owner="me", repo="project", token="secret", endpoint=endpoint, skip_instance_cache=True
    )
    yield SimpleNamespace(fs=fs, files=found, tokens=handler.tokens)
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_repository_is_listed(github):
    fs = github.fs
    assert fs.ls("", detail=False) == ["README.md", "src"]
    assert fs.find("") == ["README.md", "src/a.py", "src/lib/b.py"]
    assert fs.info("src/a.py")["size"] == 6
    assert fs.isdir("src/lib")
    assert fs.glob("**/*.py") == ["src/a.py", "src/lib/b.py"]


def test_files_are_read(github):
    assert github.fs.cat_file("README.md") == b"# project\n"
    assert github.fs.cat_file("README.md", 2, 5) == b"pro"
    assert github.fs.cat("src", recursive=True) == {
        "src/a.py": b"a = 1\n",
        "src/lib/b.py": b"b = 2\n",
    }
    with pytest.raises(FileNotFoundError):
        github.fs.cat_file("absent")


def test_files_are_written_and_removed(github):
    github.fs.pipe_file("src/new.py", b"new\n")
    github.fs.pipe_file("src/a.py", b"a = 2\n")
    github.fs.rm("src/lib/b.py")
    assert github.files == {
        "README.md": b"# project\n",
        "src/a.py": b"a = 2\n",
        "src/new.py": b"new\n",
    }


def test_every_request_has_the_token(github):
    github.fs.cat_file("README.md")
    github.fs.find("")
    assert set(github.tokens) == {"Bearer secret"}
