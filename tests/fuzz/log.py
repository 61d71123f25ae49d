"""The log of a fuzzed function."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any
from unittest import mock

from typing_extensions import override


@contextmanager
def logged() -> Iterator[list[dict[str, Any]]]:
    """The lines that a function logs, as CloudWatch gets them; nothing of them is printed."""
    logger = logging.getLogger("dynamodb-restore")
    (handler,) = logger.handlers
    lines: list[dict[str, Any]] = []

    class Cloudwatch(io.StringIO):
        @override
        def write(self, text: str) -> int:
            if text.strip():
                lines.append(json.loads(text.encode().decode()))
            return len(text)

    with (
        mock.patch.object(handler, "stream", Cloudwatch()),
        mock.patch.object(logger, "propagate", new=False),
        redirect_stdout(io.StringIO()),
    ):
        yield lines
