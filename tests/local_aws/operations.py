"""What an HTTP request to AWS is: its service, operation, parameters and the resource it names.

SDKs speak five protocols. Four of them name the operation; for the REST ones it is found by matching
method and path against the service model that botocore carries.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote, urlsplit

import botocore.session

from .wire import Headers

# The names that sign requests differ from the names of botocore's service models only here.
MODEL_OF_SIGNING_NAME = {"monitoring": "cloudwatch", "states": "stepfunctions"}
SCOPE = re.compile(r"Credential=([^/,\s]*)/\d{8}/([^/,\s]+)/([^/,\s]+)/aws4_request")


@dataclass(frozen=True)
class Credential:
    access_key: str
    region: str
    service: str


@dataclass(frozen=True)
class Operation:
    name: str
    parameters: dict[str, Any]
    protocol: str  # "json", "query", "rest" or "cbor"


def credential_of(target: str, headers: Headers) -> Credential | None:
    """Who signed, for which region and service; from the header, or from a presigned URL."""
    match = SCOPE.search(headers.get("authorization"))
    if not match and "X-Amz-Credential=" in target:
        (value,) = parse_qs(urlsplit(target).query)["X-Amz-Credential"]
        match = SCOPE.search(f"Credential={value}")
    return Credential(*match.groups()) if match else None


def in_region(region: str, headers: Headers) -> Headers:
    """The headers as if the request had been signed for another region; of administrators none is checked."""
    match = SCOPE.search(headers.get("authorization"))
    if match is None:
        return headers
    scope = match[0].replace(f"/{match[2]}/", f"/{region}/")
    return headers.with_added("Authorization", headers.get("authorization").replace(match[0], scope))


def signed_by(name: str, headers: Headers) -> Headers:
    """The headers as if an administrator of this name had signed them; of administrators no emulator checks it."""
    match = SCOPE.search(headers.get("authorization"))
    if match is None:
        return headers
    scope = match[0].replace(f"={match[1]}/", f"={name}/", 1)
    return headers.without("x-amz-security-token").with_added(
        "Authorization", headers.get("authorization").replace(match[0], scope)
    )


def operation_of(service: str, method: str, target: str, headers: Headers, body: bytes) -> Operation:
    named = headers.get("x-amz-target")
    if named:
        return Operation(named.rpartition(".")[2], _json_object(body), "json")
    path = urlsplit(target).path
    if path.startswith("/service/") and "/operation/" in path:
        return Operation(path.rpartition("/")[2], {}, "cbor")
    if headers.get("content-type").startswith("application/x-www-form-urlencoded"):
        form = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
        if "Action" in form:
            return Operation(form.pop("Action"), dict(form), "query")
    return _rest_operation(service, method, target, headers, body)


def resource_of(service: str, parameters: Mapping[str, Any]) -> str:
    """The plain name of what the call is about, where the parameters tell; else an empty string."""
    for key in ("TableName", "TargetTableName", "FunctionName", "UUID", "ResourceId", "TopicArn", "RuleName"):
        value = parameters.get(key)
        if isinstance(value, str):
            return table_name(value) if service == "dynamodb" else value.rpartition(":")[2]
    if isinstance(url := parameters.get("QueueUrl"), str):
        return url.rpartition("/")[2]
    arn = parameters.get("ResourceArn") or parameters.get("StreamArn") or parameters.get("StreamARN")
    if isinstance(arn, str):
        return table_name(arn) if ":table/" in arn else arn.rpartition(":")[2]
    tables = parameters.get("RequestItems")
    if service == "dynamodb" and isinstance(tables, dict) and len(tables) == 1:
        return table_name(next(iter(tables)))
    entries = parameters.get("Entries")
    if service == "events" and isinstance(entries, list) and entries and isinstance(entries[0], dict):
        return str(entries[0].get("EventBusName", "default"))
    for key in ("EventSourceArn", "SourceTableName", "BucketName", "Bucket", "Name"):
        if isinstance(value := parameters.get(key), str):
            return value
    return ""


def table_name(name_or_arn: str) -> str:
    return name_or_arn.partition(":table/")[2].split("/")[0] if ":table/" in name_or_arn else name_or_arn


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body or b"{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


@dataclass(frozen=True)
class _Route:
    """What a request of one REST operation looks like."""

    operation: str
    path: re.Pattern[str]
    query: frozenset[str]
    required_headers: frozenset[str]

    @property
    def strictness(self) -> int:
        return len(self.query) + len(self.required_headers) - len(self.path.groupindex)


def _rest_operation(service: str, method: str, target: str, headers: Headers, body: bytes) -> Operation:
    split = urlsplit(target)
    query = dict(parse_qsl(split.query, keep_blank_values=True))
    for route in _rest_routes(service).get(method, ()):
        match = route.path.fullmatch(split.path)
        if (
            match
            and route.query <= query.keys()
            and all(headers.get(name) for name in route.required_headers)
        ):
            labels = {label: unquote(value) for label, value in match.groupdict().items()}
            is_json = "json" in headers.get("content-type") or service == "lambda"
            members = _json_object(body) if is_json else {}
            return Operation(route.operation, {**members, **query, **labels}, "rest")
    return Operation(f"{method} {split.path}", dict(query), "rest")


@functools.cache
def _rest_routes(service: str) -> dict[str, list[_Route]]:
    """Routes by HTTP method; of two that fit, the one that asks for more comes first."""
    session = botocore.session.get_session()
    model_name = MODEL_OF_SIGNING_NAME.get(service, service)
    if model_name not in session.get_available_services():
        return {}
    model = session.get_service_model(model_name)
    if not model.metadata["protocol"].startswith("rest"):
        return {}
    routes: dict[str, list[_Route]] = {}
    for name in model.operation_names:
        operation = model.operation_model(name)
        path, _, query = operation.http["requestUri"].partition("?")
        shape = operation.input_shape
        serializations = (
            [shape.members[member].serialization for member in shape.required_members] if shape else []
        )
        route = _Route(
            name,
            _path_pattern(path),
            (frozenset(parse_qs(query, keep_blank_values=True)) - {"x-id"})
            # DeleteObject and AbortMultipartUpload differ in nothing else.
            | frozenset(each["name"] for each in serializations if each.get("location") == "querystring"),
            frozenset(each["name"] for each in serializations if each.get("location") == "header"),
        )
        routes.setdefault(operation.http["method"], []).append(route)
    return {method: sorted(found, key=lambda route: -route.strictness) for method, found in routes.items()}


def _path_pattern(template: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)(\+?)\}", template.rstrip("/"))
    pattern = re.escape(parts[0])
    for label, greedy, literal in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        pattern += f"(?P<{label}>{'.+' if greedy else '[^/]+'})" + re.escape(literal)
    return re.compile(pattern + "/?")
