"""One bundle, unpacked."""

from __future__ import annotations

import binascii
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dynamodb_restore.changes.bundle import _VERSION, BundleError, _change, _unpacked
from dynamodb_restore.changes.change import Change, MalformedChangeError

_UNREADABLE = (binascii.Error, zlib.error, ValueError, KeyError, TypeError, AttributeError, RecursionError)


@dataclass(frozen=True)
class OpenedBundle:
    """A bundle whose changes are made one at a time.

    Attributes:
        sent_at: when capture packed it, epoch seconds; None where the bundle does not tell.
    """

    sent_at: float | None
    key_names: Sequence[str]
    entries: Sequence[Any]

    def __len__(self) -> int:
        return len(self.entries)

    def change(self, index: int) -> Change:
        """One change, checked.

        Raises:
            BundleError: it is none.
        """
        try:
            return _change(self.entries[index], self.key_names)
        except (*_UNREADABLE, MalformedChangeError) as error:
            raise BundleError(f"not a bundle: {type(error).__name__}: {error}") from error


def open_bundle(body: str) -> OpenedBundle:
    """Unpack a message's body.

    Raises:
        BundleError: it is no bundle.
    """
    try:
        content = json.loads(_unpacked(body))
        if content["v"] != _VERSION:
            raise BundleError(f"bundle of version {content['v']!r:.50}; this code reads version {_VERSION}")
        sent_at = content.get("t")
        return OpenedBundle(
            None if sent_at is None else int(sent_at) / 1000, content["k"], list(content["c"])
        )
    except _UNREADABLE as error:
        raise BundleError(f"not a bundle: {type(error).__name__}: {error}") from error
