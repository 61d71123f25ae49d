"""Lambda's functions, invoked by a caller that waits for the answer."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.response import StreamingBody

from tests.aws.errors import ProcessDeath, client_error

Handler = Callable[[Any], Any]
"""Takes an event and returns an answer, both as JSON has them; may raise anything."""


@dataclass
class Functions:
    """Functions by ARN.

    Attributes:
        handlers: what runs. They are no part of the account: take them out before it is copied.
    """

    handlers: dict[str, Handler] = field(default_factory=dict)

    @property
    def operations(self) -> Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]]:
        return {"Invoke": self._invoke}

    def _invoke(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Run a function. One that fails or dies does not fail the call: the answer says so
        (docs.aws.amazon.com/lambda/latest/api/API_Invoke.html, FunctionError)."""
        name = parameters["FunctionName"]
        if name not in self.handlers:
            raise client_error(
                "Invoke", "ResourceNotFoundException", f"Function not found: {name}", status=404
            )
        try:
            content = self.handlers[name](json.loads(parameters["Payload"]))
        except ProcessDeath:
            return _failed("Runtime.ExitError", "Runtime exited without providing a reason")
        except Exception as error:  # noqa: BLE001 - so does Lambda, whatever it is
            return _failed(type(error).__name__, str(error))
        return {"StatusCode": 200, "Payload": _payload(content)}


def _failed(kind: str, message: str) -> dict[str, Any]:
    content = {"errorType": kind, "errorMessage": message}
    return {"StatusCode": 200, "FunctionError": "Unhandled", "Payload": _payload(content)}


def _payload(content: Any) -> StreamingBody:
    body = json.dumps(content).encode()
    return StreamingBody(io.BytesIO(body), len(body))
