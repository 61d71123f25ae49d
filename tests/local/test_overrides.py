"""One apply, and restores that are treated each in its own way: by the target's name, and by the source's own choice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from dynamodb_restore.settings.registry import SETTINGS as CATALOGUE
from tests.local.support import Deployment, cloned, outcome_of, statuses
from tests.local_aws import LocalAws
from tests.local_aws.compare import SETTINGS, differing, nothing_set, read_settings
from tests.local_aws.source_table import SourceTable, delete_tables

CONTROL_TAG = "dynamodb-restore:settings"
IN_DRILLS = {"indexes", "tags", "table_class", "on_demand_throughput", "stream"}
NOT_IN_DRILLS = set(SETTINGS) - IN_DRILLS


def test_a_real_restore_a_drill_and_one_that_is_opted_out_end_in_three_ways(
    aws: LocalAws, deployed: Deployment, source: SourceTable, new_target: Callable[..., str]
) -> None:
    wanted = read_settings(aws.clients(), source.name)
    real, drill, opted_out = (new_target(kind) for kind in ("restored", "drill", "opted-out"))
    since = aws.calls.mark()
    for target in (real, drill, opted_out):
        aws.restore(source.name, target, polls=1)
    records = dict(
        zip((real, drill, opted_out), deployed.wait_for_ends([real, drill, opted_out]), strict=True)
    )

    assert read_settings(aws.clients(), real) == wanted
    assert statuses(records[real]["report"]) == cloned(source)

    assert set(differing(read_settings(aws.clients(), drill), wanted)) == NOT_IN_DRILLS & source.settings
    assert statuses(records[drill]["report"]) == cloned(source, **dict.fromkeys(NOT_IN_DRILLS, "skipped"))
    assert outcome_of(records[drill]["report"], "replicas")["reason"] == "switched off for drills"

    assert read_settings(aws.observer(), opted_out) == nothing_set()
    assert (records[opted_out]["state"], records[opted_out]["report"]["settings"]) == ("skipped", [])
    assert "entry 1 of overrides" in records[opted_out]["report"]["reason"]
    named = deployed.calls(since, mutating=True, where=lambda call: opted_out in str(call.parameters))
    assert {call.service for call in named} <= {"events", "sns", "dynamodb"}
    assert [call for call in named if call.resource == opted_out] == []


def test_a_drill_of_a_table_on_demand_gets_its_limits_and_no_replicas(
    aws: LocalAws, deployed: Deployment, sessions: SourceTable, new_target: Callable[..., str]
) -> None:
    drill = new_target("drill", source=sessions.name)
    aws.restore(sessions.name, drill)
    record = deployed.wait_for_end(drill)

    wanted = read_settings(aws.clients(), sessions.name)
    assert set(differing(read_settings(aws.clients(), drill), wanted)) == NOT_IN_DRILLS & sessions.settings
    assert statuses(record["report"])["replicas"] == "skipped"


@pytest.fixture
def tagged(aws: LocalAws) -> Iterator[Callable[[str], str]]:
    """Makes a table with time to live, a stream and deletion protection, and this value of the control tag."""
    made: list[str] = []

    def make(choice: str) -> str:
        name = f"tagged-{len(made)}"
        clients = aws.clients()
        definition: dict[str, Any] = {
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
            "BillingMode": "PAY_PER_REQUEST",
            "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"},
            "Tags": [{"Key": CONTROL_TAG, "Value": choice}, {"Key": "team", "Value": "shop"}],
        }
        clients.dynamodb.create_table(TableName=name, DeletionProtectionEnabled=True, **definition)
        made.append(name)
        clients.dynamodb.update_continuous_backups(
            TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
        )
        clients.dynamodb.update_time_to_live(
            TableName=name, TimeToLiveSpecification={"Enabled": True, "AttributeName": "until"}
        )
        return name

    yield make
    delete_tables(aws, made)


NOT_DECIDED_BY_THE_TAG = {setting.name for setting in CATALOGUE if not setting.catalogue.tag_decides}

PROTECTED = {"point_in_time_recovery", "deletion_protection"}
"""What such a table has of the settings that the tag does not decide about."""

ALL_OF_TAGGED = {"point_in_time_recovery", "deletion_protection", "tags", "stream", "ttl"}


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        pytest.param(
            "tags ttl", {"tags", "ttl", *PROTECTED}, id="just these, and what is not the tag's to decide"
        ),
        pytest.param("-stream -ttl", ALL_OF_TAGGED - {"stream", "ttl"}, id="all but these"),
        pytest.param("tags tll", ALL_OF_TAGGED, id="a mistake is reported and not heeded"),
    ],
)
def test_a_source_chooses_by_its_tag_what_its_restores_get(
    aws: LocalAws,
    deployed: Deployment,
    tagged: Callable[[str], str],
    new_target: Callable[..., str],
    choice: str,
    expected: set[str],
) -> None:
    source = tagged(choice)
    target = new_target(source=source)
    aws.restore(source, target)
    record = deployed.wait_for_end(target)

    assert set(differing(read_settings(aws.clients(), target), nothing_set())) == expected
    applied = {setting for setting, status in statuses(record["report"]).items() if status == "applied"}
    assert applied == expected
    # What TTL will do is told whoever switched it on.
    notes = [note for note in record["report"]["notes"] if CONTROL_TAG in note]
    told = {"tags ttl": "does not decide about", "tags tll": "no such setting: tll"}.get(choice)
    assert bool(notes) == (told is not None)
    assert all(str(told) in note for note in notes)


def test_a_source_that_opts_out_by_its_tag_leaves_its_restores_protected(
    aws: LocalAws, deployed: Deployment, tagged: Callable[[str], str], new_target: Callable[..., str]
) -> None:
    source = tagged("off")
    target = new_target(source=source)
    aws.restore(source, target, polls=1)
    record = deployed.wait_for_end(target)

    (note,) = record["report"]["notes"]
    assert CONTROL_TAG in note
    assert set(differing(read_settings(aws.clients(), target), nothing_set())) == PROTECTED


def test_an_override_stands_above_the_sources_tag(
    aws: LocalAws, deployed: Deployment, tagged: Callable[[str], str]
) -> None:
    source = tagged("tags ttl")
    target = f"{source}-without-ttl"
    aws.restore(source, target)
    record = deployed.wait_for_end(target)

    assert set(differing(read_settings(aws.clients(), target), nothing_set())) == {"tags", *PROTECTED}
    assert statuses(record["report"]) == {
        **dict.fromkeys(SETTINGS, "skipped"),
        **dict.fromkeys(NOT_DECIDED_BY_THE_TAG, "unchanged"),
        **dict.fromkeys(["tags", *PROTECTED], "applied"),
    }
    delete_tables(aws, [target])
