"""The rules of the local AWS over moto: what AWS refuses, delays and shows late, it does in the unit tests too.

They stand where the HTTP request leaves botocore, in front of moto's answer. Rules about what moto lacks altogether and
a unit test fakes by itself are left out.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import FrameType
from typing import Any
from urllib.parse import urlsplit

from botocore.awsrequest import AWSPreparedRequest
from botocore.compat import HTTPHeaders

from tests.local_aws.calls import FUNCTION_PREFIX
from tests.local_aws.gateway import headers_of_question, request_of
from tests.local_aws.rules import Request, Response, Rules
from tests.local_aws.wire import Headers

Answer = tuple[int, Mapping[str, str], str | bytes]
"""An HTTP response as moto gives it: status, headers, body."""

Moto = Callable[[AWSPreparedRequest], Answer | None]

FAKED = ("alarms", "contributor_insights", "on_demand_limits", "replicas", "warm_throughput")
"""Rules for which `fakes.py` or a test file has something of its own."""


def rules_over_moto() -> Rules:
    rules = Rules()
    for name in FAKED:
        getattr(rules, name).enabled = False
    return rules


def answer(rules: Rules, prepared: AWSPreparedRequest, moto: Moto) -> Answer | None:
    """Moto's answer to a request, as the rules would have it."""
    request = _request_of(prepared)

    def forward(
        method: str = request.method,
        url: str = prepared.url,
        headers: Headers = request.headers,
        body: bytes = request.body,
    ) -> Response:
        given = HTTPHeaders.from_pairs(headers.pairs)
        answered = moto(AWSPreparedRequest(method, url, given, body, stream_output=False))
        assert answered is not None, f"moto does not know {url}"
        status, more, text = answered
        data = text.encode() if isinstance(text, str) else text
        return Response(int(status), Headers((name, str(value)) for name, value in more.items()), data)

    def ask(operation: str, parameters: Mapping[str, Any], region: str | None = None) -> Response:
        url = prepared.url.replace(request.region, region) if region else prepared.url
        headers = headers_of_question(request, operation, region)
        return forward("POST", url, headers, json.dumps(parameters).encode())

    response = rules.answer(request, ask, forward)
    if not request.by_function:
        # What a test has changed, it has changed long ago; and time passes when it looks.
        for rule in (rules.table_updates, rules.time_to_live, rules.table_tags):
            rule.settle(request.table)
    return response.status, dict(response.headers.pairs), response.body


def _request_of(prepared: AWSPreparedRequest) -> Request:
    body = prepared.body or b""
    body = body.encode() if isinstance(body, str) else body
    assert isinstance(body, bytes | bytearray), "no request of these tests is streamed"
    headers = Headers((name, _text(value)) for name, value in prepared.headers.items())
    split = urlsplit(prepared.url)
    target = f"{split.path}?{split.query}" if split.query else split.path
    # Test and code share their keys, so the signature does not tell them apart.
    caller = f"{FUNCTION_PREFIX}under-test" if _from_the_code_under_test() else "tests"
    return replace(request_of(prepared.method, target, headers, bytes(body)), caller=caller)


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _from_the_code_under_test() -> bool:
    """Whether this call comes from the functions' code, which only the stack tells."""
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        if frame.f_globals.get("__name__", "").startswith("dynamodb_restore."):
            return True
        frame = frame.f_back
    return False
