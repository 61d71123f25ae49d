"""Listings of a whole account that restores read at the same time: the first one asks, the others share what it was answered.

In an account of 10,000 alarms a listing takes a hundred requests, of nine a second that everybody in the account shares
(docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html).

Nobody gets what was read before the time that they name: a restore names the time of its call.
"""

from __future__ import annotations

import json
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

_PAGES_SECONDS = 60.0
"""How long pages are shared, from the first request for one on."""

_THINGS_SECONDS = 300.0
"""The same of things, which are read for findings: these come after the report and hold nobody up."""

_MOST_BYTES = 16_000_000
"""Of all listings together, as they are kept, in a function that has 256 MB."""

Page = Sequence[Any]
"""What is kept of one answer: JSON values."""

Ask = Callable[[str | None], tuple[Page, str | None]]
"""Asks for the page of a token, None for the first: what is to be kept of it, and the next page's token, None at the end."""


@dataclass
class _Listing:
    """What is there of a listing.

    Attributes:
        begun_at: when its first request was made, in seconds of the epoch.
        pages: those that were answered, each as compressed JSON.
        token: of the next page; None at the beginning, and at the end.
    """

    begun_at: float
    pages: list[bytes] = field(default_factory=list)
    token: str | None = None
    is_complete: bool = False

    def add(self, page: Page) -> None:
        text = json.dumps(page, separators=(",", ":")).encode()
        self.pages.append(zlib.compress(text, 1))

    @property
    def size(self) -> int:
        return sum(map(len, self.pages))


class Listings:
    """The listings that one environment of a function keeps for a minute or some, across invocations.

    What grows too large is read to its end and not kept.
    """

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._kept: dict[str, _Listing] = {}

    @property
    def kept_bytes(self) -> int:
        """What all of them take, as they are kept."""
        return sum(listing.size for listing in self._kept.values())

    def pages(self, name: str, ask: Ask, since: float | None) -> Iterator[list[Any]]:
        """What one operation lists, page by page. A listing whose request failed goes on at that page, for whoever may share it.

        Args:
            name: of the listing; whoever uses the same one keeps the same of each answer.
            since: a listing that began at this second of the epoch, or later, is shared; None to share none.

        Raises:
            ClientError, BotoCoreError: from `ask`.
        """
        listing = self._shared(name, since, _PAGES_SECONDS)
        if listing is None:
            listing = self._kept[name] = _Listing(self._now())
        yield from map(_unpacked, listing.pages)
        while not listing.is_complete:
            page, listing.token = ask(listing.token)
            listing.is_complete = listing.token is None
            if self._kept.get(name) is listing:
                listing.add(page)
                self._keep_within_bounds()
            yield list(page)

    def things(self, name: str, read: Callable[[], Iterable[Any]], since: float | None) -> Iterator[Any]:
        """What several operations come to, thing by thing. Only what was read to its end is shared.

        Args:
            name: of what is read.
            read: reads it; JSON values.
            since: as for `pages`.

        Raises:
            ClientError, BotoCoreError: from `read`.
        """
        listing = self._shared(name, since, _THINGS_SECONDS)
        if listing is not None:
            yield from _unpacked(listing.pages[0])
            return
        listing = _Listing(self._now(), is_complete=True)
        things = []
        for thing in read():
            things.append(thing)
            yield thing
        listing.add(things)
        self._kept[name] = listing
        self._keep_within_bounds()

    def forget(self, name: str | None = None) -> None:
        """Begin a listing, or each, anew the next time."""
        if name is None:
            self._kept.clear()
        else:
            self._kept.pop(name, None)

    def _shared(self, name: str, since: float | None, seconds: float) -> _Listing | None:
        listing = self._kept.get(name)
        if listing is None or since is None or listing.begun_at < max(since, self._now() - seconds):
            return None
        return listing

    def _keep_within_bounds(self) -> None:
        if self.kept_bytes > _MOST_BYTES:
            self.forget()


def since_call(requested_at: datetime) -> float:
    """From when on what is listed is no older than a restore's call, in seconds of the epoch.

    Args:
        requested_at: when the call was made; events tell whole seconds.
    """
    return requested_at.timestamp() + 1


def _unpacked(page: bytes) -> list[Any]:
    values: list[Any] = json.loads(zlib.decompress(page))
    return values
