"""What no other test of the settings notices when it breaks: time zones of schedules, a stream that is off and still told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

import pytest

from dynamodb_restore.aws import Clients
from dynamodb_restore.settings.auto_scaling import AutoScaling
from dynamodb_restore.settings.setting import Table
from dynamodb_restore.settings.stream import Stream
from tests.unit.builders import make_table, portable, scale
from tests.unit.fakes import Aws

READS: Final = "dynamodb:table:ReadCapacityUnits"


@pytest.mark.parametrize(
    ("zone", "hours", "kept"),
    [
        # At this hour of the clock it was that time in Auckland half a day ago, and will be in Los Angeles.
        ("Pacific/Auckland", 6, False),
        ("UTC", 6, True),
        ("America/Los_Angeles", -4, True),
        ("UTC", -4, False),
    ],
)
def test_a_schedule_of_one_instant_is_over_by_the_clock_of_its_own_zone(
    aws: Aws, clients: Clients, zone: str, hours: int, kept: bool
) -> None:
    make_table(clients, "orders")
    scale(clients, "table/orders", READS)
    when = datetime.now(UTC) + timedelta(hours=hours)
    clients.auto_scaling.put_scheduled_action(
        ServiceNamespace="dynamodb",
        ScheduledActionName="peak",
        ResourceId="table/orders",
        ScalableDimension=READS,
        Schedule=f"at({when:%Y-%m-%dT%H:%M:%S})",
        Timezone=zone,
        ScalableTargetAction={"MinCapacity": 20},
    )

    schedules = portable(AutoScaling(), Table("orders", clients))["resources"]["table"]["schedules"]

    assert bool(schedules) is kept


def test_a_stream_that_is_off_is_off_even_where_aws_still_tells_its_view(aws: Aws, clients: Clients) -> None:
    make_table(clients, "orders")
    aws.describe_as(
        "orders", StreamSpecification={"StreamEnabled": False, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    )

    assert portable(Stream(), Table("orders", clients)) == {"view_type": None}
