from __future__ import annotations

from dataclasses import replace

import pytest

from dynamodb_restore.changes.bundle import LATE_SECONDS
from dynamodb_restore.changes.delivery import Delivery, pause_seconds
from tests.unit.changes.makers import NOON, Pipeline, message, put
from tests.unit.fakes import client_error

NOT_YOURS = client_error("BatchWriteItem", "AccessDeniedException", "no")


@pytest.mark.parametrize(
    ("receives", "working", "seconds"),
    [
        (0, False, 2),
        (1, False, 2),
        (3, False, 2),
        (4, False, 4),
        (24, False, 256),
        (25, False, 300),
        (1000, False, 300),
        (25, True, 2),
        (26, True, 4),
        (200, True, 256),
        (201, True, 300),
        (10**9, True, 300),
    ],
)
def test_a_message_stays_hidden_longer_the_more_often_it_came_back(
    receives: int, working: bool, seconds: int
) -> None:
    assert pause_seconds(receives, working=working) == seconds


@pytest.mark.parametrize(("working", "days"), [(False, 3.4), (True, 2.9)])
def test_a_thousand_receives_last_for_days(working: bool, days: float) -> None:
    """SQS moves the message to the DLQ then; the invocations themselves are not counted here."""
    total = sum(pause_seconds(receives, working=working) for receives in range(1, 1001))

    assert round(total / 86_400, 1) == days


def test_the_lease_lasts_longer_than_the_invocation() -> None:
    pipeline = Pipeline()
    pipeline.budget_seconds = 54.2

    pipeline.replay(message("m1", 3, 11, [put("a")]), message("m2", 6, 12, [put("b")]))

    # 54.2 s for writes, 5 s to note them, 30 s for what is on its way then.
    assert pipeline.queues.hidden == [{"handle-m1": 90, "handle-m2": 90}]


def test_all_that_is_left_of_a_group_is_hidden_as_long_as_its_first() -> None:
    """A later message of the group that is hidden longer would hold the first back."""
    pipeline = Pipeline()
    pipeline.tables.faults = [NOT_YOURS]

    pipeline.replay(
        message("m1", 3, 11, [put("a")], receives=10),
        message("m2", 3, 12, [put("b")], receives=2),
        message("m3", 3, 13, [put("c")], receives=30),
    )

    assert pipeline.queues.hidden[-1] == {"handle-m1": 16, "handle-m2": 16, "handle-m3": 16}


def test_what_ran_out_of_time_comes_back_soon() -> None:
    pipeline = Pipeline()
    pipeline.budget_seconds = 0

    replayed = pipeline.replay(message("m1", 3, 11, [put("a")], receives=20))

    assert replayed.problem == "this invocation has no time left for more"
    assert pipeline.queues.hidden[-1] == {"handle-m1": 2}


@pytest.mark.parametrize(
    ("packed_at", "late"),
    [(NOON, False), (NOON - LATE_SECONDS, False), (NOON - LATE_SECONDS - 1, True)],
)
def test_a_message_is_late_where_sqs_took_it_long_after_it_was_packed(packed_at: float, late: bool) -> None:
    delivery = replace(Delivery.of(message("m1", 3, 11, [put("a")])), sent_at=float(NOON))

    assert delivery.is_late(packed_at) is late
