"""Look that a table is still the one that is meant, right before it is written to.

Every call on a table names it, and a name may have passed to another table since the last look. No call of AWS takes a
TableId, so this narrows the moment in which that goes unnoticed to the time between two calls, and cannot close it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dynamodb_restore.settings.setting import Lane, Table

FRESH_SECONDS = 5.0
"""How old a look may be when something is written."""


class Guard:
    """Looks at one table before the first write of each lane, and again where the last look is older than `FRESH_SECONDS`."""

    def __init__(
        self,
        table: Table,
        remaining_seconds: Callable[[], float],
        tried: Callable[[Callable[[], Any]], Any],
    ) -> None:
        """
        Args:
            remaining_seconds: how long the function may still run; what tells time.
            tried: makes a call, again where AWS asks for that.
        """
        self._table = table
        self._remaining_seconds = remaining_seconds
        self._tried = tried
        self._lanes: set[Lane] = set()
        self._looked_at_remaining = 0.0

    def look(self, lane: Lane) -> None:
        """Look, where that is due.

        Raises:
            AnotherTableError, TableGoneError: the table is gone.
            ClientError, BotoCoreError: from DescribeTable.
        """
        age = self._looked_at_remaining - self._remaining_seconds()
        if lane in self._lanes and age <= FRESH_SECONDS:
            return
        self._table.forget()
        self._tried(self._table.describe)
        self._lanes.add(lane)
        self._looked_at_remaining = self._remaining_seconds()
