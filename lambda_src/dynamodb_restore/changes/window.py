"""Which changes a restore replays, by the time that the stream gave them."""

from __future__ import annotations

from dataclasses import dataclass

from dynamodb_restore.changes.change import Change


@dataclass(frozen=True)
class Window:
    """The changes that are replayed: those from `start` on and, where an `end` is set, before it.

    Both are whole epoch seconds, as stream records tell no finer time. A restore point lies within its
    second, so that second is replayed whole: writing what is there already changes nothing.

    Attributes:
        present_images: whether a change without an image of its own may take what the source has now, although
            the window has an end and that image may be from after it.
    """

    start: int
    end: int | None = None
    present_images: bool = False

    @property
    def takes_present_images(self) -> bool:
        """Whether what the source has now may stand for a change in this window."""
        return self.end is None or self.present_images

    def covers(self, change: Change) -> bool:
        """Whether the change is to be replayed. One that does not tell its time may lie before any end."""
        if not change.time_known:
            return change.time >= self.start
        return change.time >= self.start and (self.end is None or change.time < self.end)

    def known_part(self, change: Change) -> Change:
        """What is known to belong into the window: of a change that may lie after its end, the key alone."""
        may_lie_after_end = self.end is not None and not change.time_known
        return change.without_image() if may_lie_after_end else change
