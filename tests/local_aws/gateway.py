"""One HTTP endpoint for all of the local AWS: routes, logs every call, applies the rules.

`AWS_ENDPOINT_URL` of Terraform, of the tests and of the functions all name it. The service comes from
the credential scope of the signature, which every SDK sends.
"""

from __future__ import annotations

import contextlib
import json
import socket
import socketserver
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

from typing_extensions import override

from .calls import FUNCTION_PREFIX, Call, CallLog
from .operations import Operation, credential_of, in_region, operation_of, resource_of, signed_by
from .rules import Request, Response, Rules
from .wire import Headers, Message, Peer, WireError, render

OBSERVER = "observer"
"""The access key of a caller that sees the emulators as they are, past all rules."""

# The emulators' idle connections outlive this, so a pooled one that is younger is surely open.
LONGEST_IDLE_SECONDS = 20.0
# A synchronous invocation may take as long as a function may run.
UPSTREAM_TIMEOUT_SECONDS = 960.0
# Of the parameters of larger requests only the names are kept: batches of a megabyte add up over a long run.
LARGEST_LOGGED_BODY = 65_536
LONGEST_LOGGED_NAME = 1_024


@dataclass(frozen=True)
class Routes:
    """Which emulator answers for a service, by the name that signs its requests."""

    default: str
    by_service: Mapping[str, str]

    def __getitem__(self, service: str) -> str:
        return self.by_service.get(service, self.default)


class Gateway:
    """Serves on a free port of this machine from `start` to `stop`; also a context manager."""

    def __init__(self, calls: CallLog | None = None, rules: Rules | None = None) -> None:
        self.calls = calls or CallLog()
        self.rules = rules or Rules()
        self.routes = Routes("", {})
        self._pools: dict[str, _Pool] = {}
        self._pools_lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), self)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.1,), name="gateway", daemon=True
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()
        self._server.close_connections()
        for pool in self._pools.values():
            pool.close()

    def __enter__(self) -> Gateway:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def answer(self, message: Message) -> Response:
        """The answer to one request of any caller; logs it."""
        started = time.time()
        clock = time.perf_counter()
        method, target, _ = message.first_line
        request = request_of(method, target, message.headers, message.body)
        upstream = self.routes[request.service]
        response = self._apply(request, upstream)

        def entry(number: int) -> Call:
            return Call(
                number=number,
                started=started,
                seconds=time.perf_counter() - clock,
                service=request.service,
                operation=request.operation,
                caller=request.caller,
                region=request.region,
                resource=request.resource,
                parameters=_logged(request),
                status=response.status,
                error=response.error,
            )

        self.calls.add(entry)
        return response

    def _apply(self, request: Request, upstream: str) -> Response:
        def ask(operation: str, parameters: Mapping[str, object], region: str | None = None) -> Response:
            headers = headers_of_question(request, operation, region)
            return self._forward(upstream, "POST", "/", headers, json.dumps(parameters).encode())

        if request.caller == OBSERVER or not request.service:
            return self._forward_request(upstream, request)
        return self.rules.answer(request, ask, lambda: self._forward_request(upstream, request))

    def _forward_request(self, upstream: str, request: Request) -> Response:
        return self._forward(upstream, request.method, request.target, request.headers, request.body)

    def _forward(self, upstream: str, method: str, target: str, headers: Headers, body: bytes) -> Response:
        # Rules read the answers, so none may come compressed. And AWS is called by TLS, on which policies insist.
        sent = headers.without("accept-encoding").with_added("X-Forwarded-Proto", "https")
        data = render(f"{method} {target} HTTP/1.1", sent, body, keep_alive=True)
        try:
            return self._pool(upstream).exchange(data, method)
        except (OSError, WireError) as error:
            text = f"the local AWS does not answer at {upstream}: {error}"
            return Response(502, Headers([("Content-Type", "text/plain")]), text.encode())

    def _pool(self, upstream: str) -> _Pool:
        with self._pools_lock:
            if upstream not in self._pools:
                self._pools[upstream] = _Pool(upstream)
            return self._pools[upstream]


def request_of(method: str, target: str, headers: Headers, body: bytes) -> Request:
    """What an HTTP request asks of AWS, and who asks; `target` is its path with the query."""
    credential = credential_of(target, headers)
    service = credential.service if credential else ""
    if credential:
        operation = operation_of(service, method, target, headers, body)
    else:
        operation = Operation(f"{method} {urlsplit(target).path}", {}, "rest")
    caller, role = _caller(headers, credential.access_key if credential else "")
    return Request(
        service=service,
        operation=operation.name,
        protocol=operation.protocol,
        region=credential.region if credential else "",
        caller=caller,
        role=role,
        resource=resource_of(service, operation.parameters),
        parameters=operation.parameters,
        method=method,
        target=target,
        headers=headers,
        body=body,
    )


def headers_of_question(request: Request, operation: str, region: str | None) -> Headers:
    """The headers by which a rule asks the emulator for another operation of a request's service."""
    prefix = request.headers.get("x-amz-target").rpartition(".")[0]
    headers = request.headers.with_added("X-Amz-Target", f"{prefix}.{operation}")
    if request.role:
        # What a rule wants to know or carries out is not the function's to be permitted.
        headers = signed_by(OBSERVER, headers)
    return in_region(region, headers) if region else headers


def _caller(headers: Headers, access_key: str) -> tuple[str, str]:
    """Who calls, and with which role: a function's session token says both (see ministack_iam.py)."""
    token = headers.get("x-amz-security-token")
    if not token.startswith(FUNCTION_PREFIX):
        return access_key, ""
    name, _, role = token.removeprefix(FUNCTION_PREFIX).partition("/")
    return FUNCTION_PREFIX + name, role


def _logged(request: Request) -> Mapping[str, Any]:
    """The parameters, without what a large request carries: texts that are names, and the keys of mappings."""
    if len(request.body) <= LARGEST_LOGGED_BODY:
        return request.parameters
    outline: dict[str, Any] = {}
    for name, value in request.parameters.items():
        if isinstance(value, Mapping):
            outline[name] = dict.fromkeys(value)
        elif isinstance(value, str) and len(value) <= LONGEST_LOGGED_NAME:
            outline[name] = value
    return outline


class _Pool:
    """Connections to one emulator, kept open between requests."""

    def __init__(self, url: str) -> None:
        split = urlsplit(url)
        self._address = (split.hostname or "127.0.0.1", split.port or 80)
        self._idle: deque[tuple[float, Peer]] = deque()

    def exchange(self, data: bytes, method: str) -> Response:
        peer = self._take()
        try:
            peer.send(data)
            message = peer.read_response(method)
        except BaseException:
            peer.close()
            raise
        if message.keep_alive:
            self._idle.append((time.monotonic(), peer))
        else:
            peer.close()
        return Response(int(message.first_line[1]), message.headers.end_to_end(), message.body)

    def close(self) -> None:
        while self._idle:
            self._idle.pop()[1].close()

    def _take(self) -> Peer:
        while self._idle:
            with contextlib.suppress(IndexError):
                since, peer = self._idle.pop()
                if time.monotonic() - since < LONGEST_IDLE_SECONDS:
                    return peer
                peer.close()
        return Peer(socket.create_connection(self._address, timeout=UPSTREAM_TIMEOUT_SECONDS))


class _Handler(socketserver.BaseRequestHandler):
    """All requests of one client connection, one after the other."""

    server: _Server

    @override
    def handle(self) -> None:
        peer = Peer(self.request)
        self.server.connections.add(self.request)
        try:
            self._serve(peer)
        except (OSError, WireError):
            pass  # a client that goes away in the middle of a message is its own affair
        finally:
            self.server.connections.discard(self.request)
            peer.close()

    def _serve(self, peer: Peer) -> None:
        while message := peer.read_request():
            response = self.server.gateway.answer(message)
            bodiless = message.first_line[0] == "HEAD" or response.status in (204, 304)
            first_line = f"HTTP/1.1 {response.status} {'OK' if response.ok else 'Error'}"
            keep = message.keep_alive
            peer.send(render(first_line, response.headers, response.body, keep_alive=keep, bodiless=bodiless))
            if not keep:
                break


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 256

    def __init__(self, address: tuple[str, int], gateway: Gateway) -> None:
        super().__init__(address, _Handler)
        self.gateway = gateway
        self.connections: set[socket.socket] = set()

    def close_connections(self) -> None:
        for connection in list(self.connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
