"""Listings of a whole account that restores read at the same time: the first one asks, the others share what it was answered.

In an account of 10,000 alarms a listing takes a hundred requests, of nine a second that everybody in the account shares
(docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html).
"""

from __future__ import annotations

import json
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

_SHARED_SECONDS = 60.0
"""How long a listing is shared, from its first request on."""

_WHOLE_SHARED_SECONDS = 300.0
"""The same of what is read for findings, which come after the report and hold nobody up."""

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
        begun_at: when its first page was asked for, in seconds of the epoch.
        pages: those that were answered, each as compressed JSON.
        token: of the next page; None at the beginning, and at the end.
    """

    begun_at: float
    pages: list[bytes] = field(default_factory=list)
    token: str | None = None
    is_complete: bool = False

    @property
    def size(self) -> int:
        return sum(map(len, self.pages))


@dataclass(frozen=True)
class _Whole:
    """What was read to its end.

    Attributes:
        begun_at: when that began.
        things: compressed JSON.
    """

    begun_at: float
    things: bytes

    @property
    def size(self) -> int:
        return len(self.things)


class Listings:
    """The listings that one environment of a function keeps for a minute or some, across invocations.

    A listing whose request failed goes on at that page, for whoever asks next. What grows too large is read to its end and
    not kept.
    """

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._kept: dict[str, _Listing] = {}
        self._whole: dict[str, _Whole] = {}

    @property
    def kept_bytes(self) -> int:
        """What all of them take, as they are kept."""
        kept: list[_Listing | _Whole] = [*self._kept.values(), *self._whole.values()]
        return sum(listing.size for listing in kept)

    def pages(self, name: str, ask: Ask, since: float | None) -> Iterator[list[Any]]:
        """What a listing has, page by page.

        Args:
            name: of the listing; whoever uses the same one keeps the same of each answer.
            since: a listing that began at this second of the epoch, or later, is shared; None to share none. One that broke off
                goes on within its minute all the same.

        Raises:
            ClientError, BotoCoreError: from `ask`.
        """
        listing = self._kept.get(name)
        now = self._now()
        if listing is None or not _is_of_use(listing, now, since):
            listing = self._kept[name] = _Listing(now)
        for kept in listing.pages:
            yield json.loads(zlib.decompress(kept))
        while not listing.is_complete:
            page, listing.token = ask(listing.token)
            text = json.dumps(page, separators=(",", ":")).encode()
            listing.pages.append(zlib.compress(text, 1))
            listing.is_complete = listing.token is None
            if self.kept_bytes > _MOST_BYTES:
                self.forget()
            yield json.loads(text)

    def whole(self, name: str, read: Callable[[], Iterable[Any]], since: float | None) -> Iterator[Any]:
        """What several operations come to, thing by thing; shared for five minutes, and only where it was read to its end.

        Args:
            name: of what is read.
            read: reads it; JSON values.
            since: as for `pages`.

        Raises:
            ClientError, BotoCoreError: from `read`.
        """
        shared = self._whole.get(name)
        began_at = self._now()
        oldest = None if since is None else max(since, began_at - _WHOLE_SHARED_SECONDS)
        if shared is not None and oldest is not None and shared.begun_at >= oldest:
            yield from json.loads(zlib.decompress(shared.things))
            return
        things = []
        for thing in read():
            things.append(thing)
            yield thing
        self._whole[name] = _Whole(began_at, zlib.compress(json.dumps(things).encode(), 1))
        if self.kept_bytes > _MOST_BYTES:
            self.forget()

    def forget(self, name: str | None = None) -> None:
        """Begin a listing, or each, anew the next time."""
        if name is None:
            self._kept.clear()
            self._whole.clear()
        else:
            self._kept.pop(name, None)
            self._whole.pop(name, None)


def _is_of_use(listing: _Listing, now: float, since: float | None) -> bool:
    if now - listing.begun_at > _SHARED_SECONDS:
        return False
    if since is None:
        return not listing.is_complete
    return listing.begun_at >= since
