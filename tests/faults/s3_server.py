"""A small S3 look-alike with faults, run as a process of its own; prints its address.

The bucket of a request chooses the fault: `slow` answers after a second, `cut` breaks off in
the middle of each body, `broken` answers 503, `flaky` answers 503 twice for each request and
then well. Each object has the same content.
"""

import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import urlsplit

CONTENT = bytes(range(256)) * 4096
LISTING = b"""<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name>
<Prefix>d/</Prefix><KeyCount>1</KeyCount><MaxKeys>1000</MaxKeys><Delimiter>/</Delimiter>
<IsTruncated>false</IsTruncated><Contents><Key>d/k</Key>
<LastModified>2024-01-01T00:00:00.000Z</LastModified><ETag>"e"</ETag>
<Size>1048576</Size><StorageClass>STANDARD</StorageClass></Contents></ListBucketResult>"""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    seen: ClassVar = Counter()

    def answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        while length > 0:
            length -= len(self.rfile.read(min(length, 65536)))
        url = urlsplit(self.path)
        bucket, _, key = url.path.lstrip("/").partition("/")
        if bucket == "slow":
            time.sleep(1)
        self.seen[(bucket, self.command, self.path)] += 1
        if bucket == "broken" or (
            bucket == "flaky" and self.seen[(bucket, self.command, self.path)] <= 2
        ):
            return self.send(503, b"<Error><Code>SlowDown</Code></Error>")
        if self.command in ("PUT", "DELETE"):
            return self.send(200 if self.command == "PUT" else 204, b"")
        if not key or "list-type" in url.query:
            return self.send(200, LISTING)
        return self.object(bucket)

    def object(self, bucket):
        start, end, code = 0, len(CONTENT), 200
        wanted = self.headers.get("Range", "")
        if wanted.startswith("bytes="):
            first, _, last = wanted.removeprefix("bytes=").partition("-")
            if first:
                start = int(first)
                end = min(int(last) + 1, end) if last else end
            else:
                start = end - int(last)
            code = 206
        return self.send(code, CONTENT[start:end], (start, end), is_cut=bucket == "cut")

    def send(self, code, body, span=None, is_cut=False):
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", '"e"')
        self.send_header("Last-Modified", "Mon, 01 Jan 2024 00:00:00 GMT")
        if code == 206:
            self.send_header("Content-Range", f"bytes {span[0]}-{span[1] - 1}/{len(CONTENT)}")
        self.end_headers()
        if self.command == "HEAD":
            return
        if is_cut:
            self.wfile.write(body[: len(body) // 2])
            self.wfile.flush()
            self.close_connection = True
            self.connection.close()
            return
        self.wfile.write(body)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = answer

    def log_message(self, *args):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass


if __name__ == "__main__":
    server = Server(("127.0.0.1", 0), Handler)
    print(f"127.0.0.1:{server.server_address[1]}", flush=True)
    server.serve_forever()
