"""A web server on 127.0.0.1 that plays real ones: pages, pauses, cut bodies, redirects."""

from __future__ import annotations

import http.server
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit


@dataclass
class Asked:
    path: str
    query: dict[str, str]
    headers: dict[str, str]


@dataclass
class Reply:
    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    kind: str = "application/octet-stream"
    #: send only so many bytes of the announced body, then hang up
    cut_at: int | None = None
    #: pause between blocks of 64 KiB
    pause_s: float = 0.0


Route = Callable[[Asked], Reply]


class LocalServer:
    """Routes by path; what was asked is kept in order."""

    def __init__(self) -> None:
        self.routes: dict[str, Route] = {}
        self.asked: list[Asked] = []
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                owner._answer(self)

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def route(self, path: str, *replies: Reply | Route) -> None:
        """Answer a path: each reply once, the last one for ever."""
        queue = list(replies)

        def answer(asked: Asked) -> Reply:
            reply = queue.pop(0) if len(queue) > 1 else queue[0]
            return reply(asked) if callable(reply) else reply

        self.routes[path] = answer

    def file(self, path: str, body: bytes, tag: str = '"v1"', **options: object) -> None:
        """A file that may be asked for in ranges, as static hosts serve it."""

        def answer(asked: Asked) -> Reply:
            headers = {"ETag": tag, "Accept-Ranges": "bytes"}
            wanted = asked.headers.get("range", "")
            if wanted and asked.headers.get("if-range", tag) == tag:
                start = int(wanted.removeprefix("bytes=").rstrip("-"))
                if start >= len(body):
                    return Reply(b"", 416, headers)
                headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
                return Reply(body[start:], 206, headers, **options)  # type: ignore[arg-type]
            return Reply(body, 200, headers, **options)  # type: ignore[arg-type]

        self.routes[path] = answer

    def paths(self) -> list[str]:
        return [asked.path for asked in self.asked]

    def _answer(self, handler: http.server.BaseHTTPRequestHandler) -> None:
        parts = urlsplit(handler.path)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        headers = {key.lower(): value for key, value in handler.headers.items()}
        asked = Asked(parts.path, query, headers)
        self.asked.append(asked)
        route = self.routes.get(parts.path)
        reply = route(asked) if route else Reply(b"nothing here", 404, kind="text/plain")
        handler.send_response(reply.status)
        handler.send_header("Content-Type", reply.kind)
        handler.send_header("Content-Length", str(len(reply.body)))
        for key, value in reply.headers.items():
            handler.send_header(key, value)
        handler.end_headers()
        body = reply.body if reply.cut_at is None else reply.body[: reply.cut_at]
        try:
            for start in range(0, len(body), 1 << 16):
                handler.wfile.write(body[start : start + (1 << 16)])
                handler.wfile.flush()
                if reply.pause_s:
                    time.sleep(reply.pause_s)
        except OSError:
            pass  # the other side has hung up
        if reply.cut_at is not None:
            handler.close_connection = True

    @contextmanager
    def running(self) -> Iterator[LocalServer]:
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.daemon = True
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()


class Stopwatch:
    """A clock that stands still but for its sleeps, and remembers them."""

    def __init__(self) -> None:
        self.time = 0.0
        self.slept: list[float] = []

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds
