"""A client of one connection that costs next to nothing: a general one takes as much of the machine as the service does."""

from __future__ import annotations

import asyncio
import json
from typing import Any

HEAD = "POST {path} HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"


class LightClient:
    """Asks one question after the other over one connection, which it opens anew when it was closed."""

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        """Ask the service at ``host`` and ``port``."""
        self.host, self.port = host, port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, path: str, body: Any) -> tuple[int, bytes]:
        """Return the status and the body of the answer to ``body`` as JSON.

        Raises:
            ConnectionError: Nobody listens, or the connection ended before the whole answer had come.
        """
        sent = json.dumps(body).encode()
        head = HEAD.format(path=path, host=self.host, port=self.port, length=len(sent)).encode()
        try:
            reader, writer = self._streams = self._streams or await asyncio.open_connection(self.host, self.port)
            writer.write(head + sent)
            answered = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            lines = (line.partition(":") for line in answered.splitlines()[1:])
            headers = {name.lower(): value.strip() for name, _, value in lines}
            content = await reader.readexactly(int(headers["content-length"]))
        except (OSError, EOFError) as error:
            await self.close()
            raise ConnectionError(f"the service at port {self.port} gave no whole answer: {error}") from error
        if headers.get("connection", "").lower() == "close":
            await self.close()
        return int(answered.split(" ", 2)[1]), content

    async def close(self) -> None:
        """End the connection."""
        streams, self._streams = self._streams, None
        if streams:
            streams[1].close()
