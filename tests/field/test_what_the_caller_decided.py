"""What a restore was asked for is in its call's event alone, and not every restore has one that comes.

A job of AWS Backup tells it by another call, GetRestoreJobMetadata; a restore that the reconciler finds does not tell it at all.
The source's settings went over it without a word.
"""

from __future__ import annotations

import pytest

from tests.aws.hazards import Fault, Mode, failing
from tests.faults.estate import TARGET, TARGET_MADE_AT
from tests.faults.functions import Functions, World
from tests.field.restores import restored_by_job, told, unseen
from tests.hazards.reporting import by_setting

# The tests reset warnings, and with them the filter that the functions set for themselves.
pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")


def notes(functions: Functions, world: World) -> list[str]:
    """What the report says of a restore that succeeded, but for what TTL will do."""
    report = told(functions, world)
    assert report["result"] == "synced"
    return [note for note in report["notes"] if not note.startswith("TTL")]


def test_what_a_job_was_asked_for_is_told(functions: Functions) -> None:
    asked_for = {"DeletionProtection": "false", "kmsMasterKeyArn": "arn:aws:kms:…", "somethingNew": "x"}
    (note,) = notes(functions, restored_by_job(asked_for=asked_for))
    assert note == (
        "the restore job was asked for DeletionProtection = false, somethingNew = x: that is not heeded"
    )


@pytest.mark.parametrize(
    ("asked_for", "chosen"),
    [
        ({"kmsMasterKeyArn": "arn:aws:kms:…"}, True),
        ({"encryptionType": "KMS"}, True),
        ({"encryptionType": "Default", "kmsMasterKeyArn": ""}, False),
        ({}, False),
    ],
)
def test_a_job_that_chose_a_key_keeps_it(
    functions: Functions, asked_for: dict[str, str], *, chosen: bool
) -> None:
    """The world restores into a key that AWS owns, and `encryption` is on."""
    report = told(functions, restored_by_job(asked_for=asked_for))
    encryption = by_setting(report)["encryption"]
    assert bool(encryption["chosen"]) is chosen
    assert bool(encryption["done"]) is not chosen


@pytest.mark.parametrize("asked_for", [{}, {"deletionProtection": "TRUE"}])
def test_what_needs_no_word_gets_none(functions: Functions, asked_for: dict[str, str]) -> None:
    assert notes(functions, restored_by_job(asked_for=asked_for)) == []


def test_very_much_is_told_in_part(functions: Functions) -> None:
    asked_for = {f"key{number:02}": "v" * 400 for number in range(50)}
    (note,) = notes(functions, restored_by_job(asked_for=asked_for))
    assert len(note) <= 1_000


@pytest.mark.parametrize("mode", [Mode.DENIED, Mode.THROTTLED])
def test_that_it_could_not_be_asked_is_told_and_holds_nothing_up(functions: Functions, mode: Mode) -> None:
    world = restored_by_job().copy(failing({"GetRestoreJobMetadata": Fault(mode)}))
    (note,) = notes(functions, world)
    assert note.startswith("what the restore job was asked for is not known: GetRestoreJobMetadata: ")


def test_a_find_says_that_it_does_not_know(functions: Functions) -> None:
    world = unseen()
    world.clock.now = TARGET_MADE_AT.timestamp() + 60
    functions.reconcile(world)
    world.account.tables.finish_restore(TARGET)
    (note,) = notes(functions, world)
    assert note.startswith(
        "found by the reconciler before an event of its call: what the call decided about capacity, throughput, indexes and encryption"
    )
