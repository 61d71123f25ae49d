"""Just enough HTTP/1.1 for a gateway: read a message, write a message, keep the connection.

The standard library's server parses headers as e-mail, which costs more than all the rest of the
gateway's work. Both sides here are well-behaved SDKs and emulators, so plain lines are enough.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable
from dataclasses import dataclass
from typing import BinaryIO, cast

# Headers that speak about one connection, not about the message: never passed on.
HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "transfer-encoding",
        "expect",
        "te",
        "trailer",
        "upgrade",
        "proxy-connection",
        "proxy-authenticate",
        "proxy-authorization",
    }
)
MAX_LINE = 65_536


class WireError(Exception):
    """The other side did not speak HTTP/1.1, or left in the middle of a message."""


class Headers:
    """Headers in their order, looked up without regard to case."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self.pairs = list(pairs)
        self._by_name = {name.lower(): value for name, value in self.pairs}

    def get(self, name: str, default: str = "") -> str:
        return self._by_name.get(name.lower(), default)

    def without(self, *names: str) -> Headers:
        dropped = {name.lower() for name in names}
        return Headers((name, value) for name, value in self.pairs if name.lower() not in dropped)

    def end_to_end(self) -> Headers:
        return Headers((name, value) for name, value in self.pairs if name.lower() not in HOP_BY_HOP)

    def with_added(self, name: str, value: str) -> Headers:
        return Headers([*self.without(name).pairs, (name, value)])


@dataclass(frozen=True)
class Message:
    """A request or a response: the words of its first line, its headers, its whole body."""

    first_line: tuple[str, str, str]
    headers: Headers
    body: bytes
    keep_alive: bool


class Peer:
    """One TCP connection that speaks HTTP/1.1, from either end."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._reader = cast("BinaryIO", connection.makefile("rb", buffering=65_536))

    def close(self) -> None:
        try:
            self._reader.close()
        finally:
            self._connection.close()

    def send(self, data: bytes) -> None:
        self._connection.sendall(data)

    def read_request(self) -> Message | None:
        """The next request, or None when the client has closed the connection between two."""
        first_line = self._reader.readline(MAX_LINE)
        if not first_line:
            return None
        method, target, version = _three_words(first_line)
        headers = self._read_headers()
        if headers.get("expect").lower() == "100-continue":
            self.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = self._read_body(headers, until_close=False)
        return Message((method, target, version), headers, body, _keeps_alive(version, headers))

    def read_response(self, request_method: str) -> Message:
        while True:
            line = self._reader.readline(MAX_LINE)
            if not line:
                raise ConnectionResetError("closed before the first byte of the response")
            version, status, reason = _three_words(line)
            headers = self._read_headers()
            if not status.startswith("1"):
                break
        bodiless = request_method == "HEAD" or status in {"204", "304"}
        has_length = bool(headers.get("content-length") or headers.get("transfer-encoding"))
        body = b"" if bodiless else self._read_body(headers, until_close=not has_length)
        keep_alive = _keeps_alive(version, headers) and (bodiless or has_length)
        return Message((version, status, reason), headers, body, keep_alive)

    def _read_headers(self) -> Headers:
        pairs: list[tuple[str, str]] = []
        while True:
            line = self._reader.readline(MAX_LINE)
            if line in (b"\r\n", b"\n"):
                return Headers(pairs)
            if not line:
                raise WireError("closed in the middle of the headers")
            name, _, value = line.decode("latin-1").partition(":")
            pairs.append((name.strip(), value.strip()))

    def _read_body(self, headers: Headers, *, until_close: bool) -> bytes:
        if headers.get("transfer-encoding").lower().endswith("chunked"):
            return self._read_chunks()
        if until_close:
            return self._reader.read()
        return self._read_exactly(int(headers.get("content-length", "0")))

    def _read_chunks(self) -> bytes:
        chunks = []
        while size := int(self._reader.readline(MAX_LINE).split(b";")[0], 16):
            chunks.append(self._read_exactly(size))
            self._reader.readline(MAX_LINE)
        self._read_headers()  # trailers, nearly always none
        return b"".join(chunks)

    def _read_exactly(self, size: int) -> bytes:
        data = self._reader.read(size) if size else b""
        if len(data) != size:
            raise WireError("closed in the middle of the body")
        return data


def render(
    first_line: str, headers: Headers, body: bytes, *, keep_alive: bool, bodiless: bool = False
) -> bytes:
    """A message as bytes. A bodiless one, as to HEAD, keeps the length that its body would have had."""
    passed_on = headers.end_to_end() if bodiless else headers.end_to_end().without("content-length")
    lines = [first_line, *(f"{name}: {value}" for name, value in passed_on.pairs)]
    if not bodiless:
        lines.append(f"Content-Length: {len(body)}")
    if not keep_alive:
        lines.append("Connection: close")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + (b"" if bodiless else body)


def _three_words(line: bytes) -> tuple[str, str, str]:
    words = line.decode("latin-1").rstrip("\r\n").split(" ", 2)
    if len(words) < 2:
        raise WireError(f"not an HTTP first line: {line[:80]!r}")
    return words[0], words[1], words[2] if len(words) == 3 else ""


def _keeps_alive(version: str, headers: Headers) -> bool:
    return version == "HTTP/1.1" and headers.get("connection").lower() != "close"
