"""A restore point, and the times of the stream, are not exact.

A backup that is asked for at T holds for certain only what was committed a minute before T, and may hold what came up to
a minute after. A point in time is exact, but the stream tells approximate times.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from dynamodb_restore.actions.window import set_window
from dynamodb_restore.changes.window import Window
from dynamodb_restore.pipeline.boundary import RestorePoint
from tests.hazards.operating import claim_of, cut_over
from tests.unit.builders import delivery, request
from tests.unit.changes.house import CAPTURE, DAY, REPLAY, RESTORE_ID, House, point
from tests.unit.changes.makers import NOON, put
from tests.unit.fakes import table_arn

_BACKUP = f"{table_arn('orders')}/backup/01795345200000-0123abcd"
_RESTORED_TO = NOON - 3600


@pytest.mark.parametrize(
    ("of_backup", "seconds_before", "replayed"),
    [
        (True, 20, True),
        (True, 120, True),
        (True, 121, False),
        (True, -1, True),
        (False, 20, True),
        (False, 60, True),
        (False, 61, False),
    ],
)
def test_a_write_from_shortly_before_is_replayed(
    house: House, of_backup: bool, seconds_before: int, replayed: bool
) -> None:
    claim = house.pipeline.begin(RESTORE_ID, "orders-restored", point(_RESTORED_TO, of_backup=of_backup))

    assert claim is not None
    assert claim.window.covers(put("a", time=_RESTORED_TO - seconds_before)) is replayed


@pytest.mark.parametrize(("backup_arn", "margin"), [(_BACKUP, 120), (None, 60)])
def test_a_restore_request_tells_which_it_is(house: House, backup_arn: str | None, margin: int) -> None:
    """First by the time that was asked for, then by the one that AWS tells."""
    restored_to = datetime.fromtimestamp(_RESTORED_TO, UTC)
    made = datetime.fromtimestamp(NOON, UTC)
    house.aws.describe_as("orders-restored", CreationDateTime=made, TableId=RESTORE_ID)
    wanted = request(
        requested_at=house.instant(), restore_point=restored_to - timedelta(seconds=5), backup_arn=backup_arn
    )
    # AWS shows the time only while it restores; that it does restore is shown by what it says at first, too.
    begun = {"SourceTableArn": table_arn("orders"), "RestoreInProgress": True}
    house.aws.describe_as("orders-restored", RestoreSummary=begun)
    house.aws.describe_next("orders-restored", {"TableStatus": "CREATING"})

    house.worker.follow(delivery(wanted, 1))
    assert claim_of(house).window == Window(_RESTORED_TO - 5 - margin)

    summary = {
        "SourceTableArn": table_arn("orders"),
        "RestoreDateTime": restored_to,
        "RestoreInProgress": False,
    }
    house.aws.describe_as("orders-restored", RestoreSummary=summary)
    house.worker.follow(delivery(wanted, 2))
    assert claim_of(house).window == Window(_RESTORED_TO - margin)


@pytest.mark.parametrize(("of_backup", "margin"), [(True, 120), (False, 60)])
def test_the_gap_begins_where_the_window_does(house: House, of_backup: bool, margin: int) -> None:
    """A stream that reaches to the restore point exactly does not reach to all that has to be replayed."""
    reach = NOON - DAY + 600

    claim = house.pipeline.begin(RESTORE_ID, "orders-restored", point(reach, of_backup=of_backup))

    assert claim is not None
    assert (claim.covered_from, claim.gap_seconds) == (reach, margin)


def test_a_fraction_of_a_second_does_not_start_the_window_later() -> None:
    at = datetime(2026, 11, 22, 12, 0, 0, 999_999, tzinfo=UTC)

    assert RestorePoint(at, of_backup=False).window_start() == NOON - 60


def test_the_report_tells_of_the_windows_end_that_it_is_not_exact(house: House) -> None:
    house.begin()
    set_window(house.pipeline, NOON - 3600, NOON - 60)
    house.pipeline.start_replay(claim_of(house), None)
    house.switch(CAPTURE, "Enabled")
    house.switch(REPLAY, "Enabled")
    house.recorded()

    report = cut_over(house)

    (note,) = report["notes"]
    assert note == (
        "the window ends at 2026-11-22T11:59:00Z, and the stream's times are approximate: changes of the 60 s around it"
        " may be on either side"
    )
