"""A restore's source: read only when it is needed, and distinguished from later tables of the same name."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

from dynamodb_restore.settings.setting import AnotherTableError, Table, TableGoneError


class Source:
    """The source of one restore, for one delivery."""

    def __init__(self, make: Callable[[], Table | None] = lambda: None, known_id: str | None = None) -> None:
        """
        Args:
            make: gives the table as it can be looked at; None where the target has taken its very name. May call AWS.
            known_id: its TableId on record.
        """
        self._make = make
        self._known_id = known_id

    @cached_property
    def _table(self) -> Table | None:
        return self._make()

    def table(self) -> Table | None:
        """The table as it can be looked at; None where the target has taken its very name.

        Raises:
            ClientError, BotoCoreError: from DescribeBackup, at the first call.
        """
        return self._table

    @property
    def table_id(self) -> str | None:
        """Its TableId, as far as it is known by now; asks nothing."""
        # `cached_property` keeps what it made in the instance.
        made: Table | None = self.__dict__.get("_table")
        return (made.identity.table_id if made is not None else None) or self._known_id

    def is_another_table(self) -> bool:
        """Whether another table has its name now.

        Raises:
            ClientError, BotoCoreError: from DescribeTable.
        """
        table = self.table()
        if table is None:
            return True
        try:
            table.describe()
        except AnotherTableError:
            return True
        except TableGoneError:
            return False
        return False
