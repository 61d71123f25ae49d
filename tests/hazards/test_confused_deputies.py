"""Somebody restores a table of production into a name of theirs, and gets its triggers attached to a table they write to.

The restore is real and allowed. But with the settings of `orders` on `dev-orders`, whoever writes to `dev-orders` feeds the
functions and the streams of `orders`. The module does that for them with its own rights: a confused deputy
(docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html).
"""

from __future__ import annotations

from typing import Any

import pytest

from dynamodb_restore.aws import Clients, TableRef
from dynamodb_restore.config import Override
from dynamodb_restore.restore.delivery import Finished, Verdict
from dynamodb_restore.restore.worker import Worker
from dynamodb_restore.sync.attachable import Attachable
from tests.hazards.restoring import statuses
from tests.unit.builders import (
    ALL_ON,
    clone_now,
    delivery,
    make_full_source,
    make_restore_table,
    make_target,
    make_worker,
    request,
)
from tests.unit.fakes import Aws, Clock, function_arn, kinesis_arn

DEVELOPER = "arn:aws:sts::123456789012:assumed-role/developers/ana"
OPERATOR = "arn:aws:sts::123456789012:assumed-role/operators/ben"


@pytest.fixture(autouse=True)
def restored(aws: Aws, clients: Clients) -> None:
    make_restore_table(clients)
    make_full_source(aws, clients)
    make_target(aws, clients)


def outcome(verdict: Verdict, setting: str) -> Any:
    assert isinstance(verdict, Finished)
    (found,) = [outcome for outcome in verdict.report.outcomes if outcome.setting == setting]
    return found


class TestWhatMayBeAttached:
    def worker(self, clients: Clients, clock: Clock, **attachable: list[str]) -> Worker:
        return make_worker(clients, clock, attachable=Attachable(**attachable))

    def test_everything_unless_somebody_says_otherwise(self, clients: Clients, clock: Clock) -> None:
        verdict = make_worker(clients, clock).follow(delivery(request(), 1))
        assert statuses(verdict) == dict.fromkeys(ALL_ON, "applied")

    @pytest.mark.parametrize(
        "pattern", ["index", "ind*", function_arn("index"), "arn:aws:lambda:*:123456789012:function:index*"]
    )
    def test_functions_by_name_or_arn(self, aws: Aws, clients: Clients, clock: Clock, pattern: str) -> None:
        verdict = self.worker(clients, clock, functions=[pattern]).follow(delivery(request(), 1))
        triggers = outcome(verdict, "stream_triggers")
        assert triggers.done == (f"trigger {function_arn('index')}",)
        assert triggers.omitted == (
            f"trigger {function_arn('audit:live')} (disabled, as on the source): no pattern of attachable.functions admits it",
        )
        (made,) = aws.named("CreateEventSourceMapping")
        assert made["FunctionName"] == function_arn("index")

    def test_a_name_admits_its_alias_too(self, aws: Aws, clients: Clients, clock: Clock) -> None:
        self.worker(clients, clock, functions=["audit"]).follow(delivery(request(), 1))
        (made,) = aws.named("CreateEventSourceMapping")
        assert made["FunctionName"] == function_arn("audit:live")

    def test_streams(self, aws: Aws, clients: Clients, clock: Clock) -> None:
        verdict = self.worker(clients, clock, kinesis_streams=["dev-*"]).follow(delivery(request(), 1))
        destination = outcome(verdict, "kinesis_destination")
        assert destination.status.value == "skipped"
        (omitted,) = destination.omitted
        assert omitted.endswith(
            " with times in MICROSECOND: no pattern of attachable.kinesis_streams admits it"
        )
        assert aws.named("EnableKinesisStreamingDestination") == []

    def test_a_name_is_one_of_the_tables_own_account(self, aws: Aws, clients: Clients, clock: Clock) -> None:
        """Anybody can give a stream of theirs the name of one that is admitted."""
        strange = kinesis_arn("changes").replace("123456789012", "210987654321")
        (destination,) = aws.kinesis.destinations["orders"]
        destination["StreamArn"] = strange
        self.worker(clients, clock, kinesis_streams=["changes"]).follow(delivery(request(), 1))
        assert aws.named("EnableKinesisStreamingDestination") == []

    def test_a_direct_invocation_is_held_to_it(self, aws: Aws, clients: Clients, clock: Clock) -> None:
        worker = self.worker(clients, clock, functions=[], kinesis_streams=[])
        clone_now(worker, TableRef("orders"), "orders-restored", dry_run=False)
        assert aws.named("CreateEventSourceMapping") == []
        assert aws.named("EnableKinesisStreamingDestination") == []


class TestWhoAsked:
    def worker(self, clients: Clients, clock: Clock) -> Worker:
        """Operators get everything; whoever else restores into that name gets no trigger."""
        plain = make_worker(clients, clock)
        common: dict[str, Any] = {
            "source": "*",
            "target": "orders-*",
            "follow": True,
            "replay": True,
            "notify": True,
            "polling": plain.config.polling,
        }
        overrides = [
            Override(**common, settings={}, requested_by="arn:aws:sts::*:assumed-role/operators/*"),
            Override(**common, settings={"stream_triggers": False}),
        ]
        return make_worker(clients, clock, overrides=overrides)

    @pytest.mark.parametrize(
        ("requested_by", "expected"),
        [
            (OPERATOR, "applied"),
            (DEVELOPER, "skipped"),
            ("unknown: found before an event of the call", "skipped"),
        ],
    )
    def test_an_override_holds_for_certain_callers(
        self, clients: Clients, clock: Clock, requested_by: str, expected: str
    ) -> None:
        verdict = self.worker(clients, clock).follow(delivery(request(requested_by=requested_by), 1))
        assert statuses(verdict)["stream_triggers"] == expected

    def test_what_a_direct_invocation_states_about_itself_is_told_and_not_believed(
        self, aws: Aws, clients: Clients, clock: Clock
    ) -> None:
        report = clone_now(
            self.worker(clients, clock),
            TableRef("orders"),
            "orders-restored",
            dry_run=False,
            requested_by=OPERATOR,
        )
        assert report.requested_by == f"{OPERATOR} (by direct invocation, not verified)"
        assert aws.named("CreateEventSourceMapping") == []
