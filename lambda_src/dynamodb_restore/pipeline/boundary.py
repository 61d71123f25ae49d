"""Where the replay of changes begins, given where the restore ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

BACKUP_MARGIN = timedelta(seconds=120)
POINT_IN_TIME_MARGIN = timedelta(seconds=60)


@dataclass(frozen=True)
class RestorePoint:
    """The instant whose data a restored table holds.

    Attributes:
        at: as AWS tells it, aware.
        of_backup: whether it is the time of a backup, and not a point in time.
    """

    at: datetime
    of_backup: bool

    def window_start(self) -> int:
        """The epoch second from which on changes are to be replayed.

        Neither the restore point nor the stream's times are exact, so replay starts earlier:

        - A backup that is asked for at T is guaranteed to hold all data committed up to a minute before T, and may hold
          what is written from then to a minute after T
          (docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CreateBackup.html). A minute for that, and
          another for the stream's times.
        - A point in time is exact to the second, the stream's `ApproximateCreationDateTime` is not
          (docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_StreamRecord.html): a minute for it.

        Too early costs nothing but writes: replay ends each item at its last captured image, so what the table holds
        already is written again, or passed over by a later change of the same item. Too late would lose changes.
        """
        margin = BACKUP_MARGIN if self.of_backup else POINT_IN_TIME_MARGIN
        return int((self.at - margin).timestamp())
