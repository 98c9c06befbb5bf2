"""A small S3 look-alike that answers after a second, run as a process of its own.

It prints its address. Each object has the same content.
"""

import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
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

    def answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        while length > 0:
            length -= len(self.rfile.read(min(length, 65536)))
        url = urlsplit(self.path)
        _, _, key = url.path.lstrip("/").partition("/")
        time.sleep(1)
        if self.command in ("PUT", "DELETE"):
            return self.send(200 if self.command == "PUT" else 204, b"")
        if not key or "list-type" in url.query:
            return self.send(200, LISTING)
        return self.object()

    def object(self):
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
        return self.send(code, CONTENT[start:end], (start, end))

    def send(self, code, body, span=None):
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", '"e"')
        self.send_header("Last-Modified", "Mon, 01 Jan 2024 00:00:00 GMT")
        if code == 206:
            self.send_header("Content-Range", f"bytes {span[0]}-{span[1] - 1}/{len(CONTENT)}")
        self.end_headers()
        if self.command != "HEAD":
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
