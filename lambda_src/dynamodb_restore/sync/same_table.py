"""Look that a table is still the one that is meant, right before it is written to.

Every call on a table names it, and a name may have passed to another table since the last look. No call of AWS takes a
TableId, so this narrows the moment in which that goes unnoticed to the time between two calls, and cannot close it.
"""

from __future__ import annotations

from dynamodb_restore.pace import Pace
from dynamodb_restore.settings.setting import Lane, Table
from dynamodb_restore.sync.reading import retry_reading

FRESH_SECONDS = 5.0
"""How old a look may be when something is written."""


class SameTableCheck:
    """Looks at one table before the first write of each lane, and again where the last look is older than `FRESH_SECONDS`."""

    def __init__(self, table: Table, pace: Pace) -> None:
        self._table = table
        self._pace = pace
        self._lanes: set[Lane] = set()
        self._remaining_at_last_look = 0.0

    def check(self, lane: Lane) -> None:
        """Look that it still is, where that is due.

        Raises:
            AnotherTableError, TableGoneError: the table is gone.
            ClientError, BotoCoreError: from DescribeTable.
        """
        age = self._remaining_at_last_look - self._pace.remaining_seconds()
        if lane in self._lanes and age <= FRESH_SECONDS:
            return
        self._table.forget()
        retry_reading(self._table.describe, self._pace)
        self._lanes.add(lane)
        self._remaining_at_last_look = self._pace.remaining_seconds()
