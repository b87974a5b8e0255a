"""A server on this machine that answers what a test tells it to, and notes what it was asked."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Double:
    """Replies in turn with those given; then with ``usual``, a function from path and body to a reply.

    A reply is (status, body, headers): the body a JSON object, or bytes as they are; or a float, for seconds of silence;
    or None, to hang up.
    """

    def __init__(self, usual):
        self.replies = []
        self.usual = usual
        self.asked = []  # (path, headers with names in lower case, body)
        self.drops = 0.0  # seconds between the bytes of a reply
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    def _handler(double):
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                sent = self.rfile.read(int(self.headers["Content-Length"]))
                body = json.loads(sent)
                double.asked.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
                reply = double.replies.pop(0) if double.replies else double.usual(self.path, body)
                if isinstance(reply, float):
                    time.sleep(reply)
                elif reply is not None:
                    self._send(*reply)
                self.close_connection = True

            def _send(self, status, body, headers=()):
                content = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                for name, value in {"Content-Type": "application/json", **dict(headers)}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                try:
                    for drop in [content] if not double.drops else [content[n : n + 1] for n in range(len(content))]:
                        self.wfile.write(drop)
                        time.sleep(double.drops)
                except OSError:  # the client has gone
                    pass

            def log_message(self, *_):
                pass

        return Handler
