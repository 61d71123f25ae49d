"""Clients without botocore, for simulations that make calls by the million."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from types import SimpleNamespace
from typing import Any

from botocore import xform_name
from botocore.loaders import Loader

from dynamodb_restore.aws import CallTime, Clients
from tests.aws.errors import UnknownCallError
from tests.aws.names import REGION
from tests.aws.wire import Wire

_SERVICES = {
    "dynamodb": "dynamodb",
    "lambda_": "lambda",
    "auto_scaling": "application-autoscaling",
    "sqs": "sqs",
    "sns": "sns",
    "events": "events",
    "cloudwatch": "cloudwatch",
    "backup": "backup",
    "cloudtrail": "cloudtrail",
    "iam": "iam",
    "s3": "s3",
    "sts": "sts",
}
"""Attribute of `Clients` to the service's name in botocore."""

_ONE_ATTEMPT = {"dynamodb_once": "dynamodb", "sqs_once": "sqs", "lambda_invoking": "lambda"}
"""Those whose clients never try again by themselves."""


class DirectClient:
    """One service's client: `get_item(TableName=…)` is a call of `GetItem`.

    Nothing checks the parameters, and nothing is copied: a caller that changes an answer changes the account.
    """

    def __init__(self, wire: Wire, service: str, *, region: str = REGION, attempts: int = 1) -> None:
        self._wire = wire
        self._service = service
        self._attempts = attempts
        self._names = {xform_name(operation): operation for operation in wire.account.operations}
        self.meta = SimpleNamespace(region_name=region)

    def __getattr__(self, method: str) -> Callable[..., dict[str, Any]]:
        if method.startswith("__"):
            raise AttributeError(method)
        if method not in self._names:
            raise UnknownCallError(method)
        operation = self._names[method]

        def call(**parameters: Any) -> dict[str, Any]:
            return self._wire.call(
                self._service,
                operation,
                parameters,
                region=self.meta.region_name,
                attempts=self._attempts,
            )

        # The next time it is found without this.
        self.__dict__[method] = call
        return call

    def get_paginator(self, method: str) -> _Paginator:
        asked, answered = _tokens(self._service)[self._names[method]]
        return _Paginator(getattr(self, method), asked, answered)


class DirectClients(Clients):
    """All clients of a region, on one wire."""

    def __init__(self, wire: Wire, *, region: str = REGION, attempts: int = 1) -> None:
        self.call_time = CallTime()
        # In place of what `Clients` would make at first use.
        for name, service in _SERVICES.items():
            self.__dict__[name] = DirectClient(wire, service, region=region, attempts=attempts)
        for name, service in _ONE_ATTEMPT.items():
            self.__dict__[name] = DirectClient(wire, service, region=region)


class _Paginator:
    """Page after page, with the tokens that botocore's own paginators use."""

    def __init__(self, call: Callable[..., dict[str, Any]], asked: str, answered: str) -> None:
        self._call = call
        self._asked = asked
        self._answered = answered

    def paginate(self, **parameters: Any) -> Iterator[Mapping[str, Any]]:
        while True:
            page = self._call(**parameters)
            yield page
            token = page.get(self._answered)
            if not token:
                return
            parameters = {**parameters, self._asked: token}


@cache
def _tokens(service: str) -> dict[str, tuple[str, str]]:
    """By operation: in which parameter a page is asked for, and where an answer tells of the next one."""
    model = Loader().load_service_model(service, "paginators-1")
    pagination: dict[str, Any] = json.loads(json.dumps(model))["pagination"]
    return {
        operation: (entry["input_token"], entry["output_token"])
        for operation, entry in pagination.items()
        if isinstance(entry["input_token"], str) and isinstance(entry["output_token"], str)
    }
