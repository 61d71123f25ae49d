"""Pages of listings, where botocore has no paginator for an operation or its client has no types."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any


def pages(
    call: Callable[..., Mapping[str, Any]], token: str, **parameters: Any
) -> Iterator[Mapping[str, Any]]:
    """All answers of a listing.

    Args:
        call: a client's method.
        token: the member by which an answer says that there is more, and by which the next call asks for it.
        parameters: the same in each call.
    """
    more: dict[str, Any] = {}
    while True:
        page = call(**parameters, **more)
        yield page
        if not page.get(token):
            return
        more = {token: page[token]}
