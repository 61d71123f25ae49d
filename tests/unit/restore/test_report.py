"""The report, word for word: what people read and what machines get."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from dynamodb_restore.findings.finding import Finding
from dynamodb_restore.restore.report import FindingsReport, Report, Result, overall
from dynamodb_restore.sync.outcome import Outcome, Status, Switch, SwitchedBy

SYNCED = Report(
    Result.SYNCED,
    "orders",
    "orders-restored",
    finished_at=datetime(2026, 11, 22, 7, 41, 9, tzinfo=UTC),
    attempts=12,
    restore_id="5b2f3c1e-6d0a-4c0e-9d3b-2f1a7c9e4d10",
    requested_at=datetime(2026, 11, 22, 7, 0, 1, tzinfo=UTC),
    requested_by="arn:aws:iam::123456789012:user/ana",
    restore_point=datetime(2026, 11, 22, 6, 30, tzinfo=UTC),
    notes=("changes before 06:31 are missing",),
    outcomes=(
        Outcome("point_in_time_recovery", Status.UNCHANGED),
        Outcome("tags", Status.APPLIED, done=("add tags team=checkout",), conflicts=("tag stage is kept",)),
        Outcome(
            "auto_scaling",
            Status.SKIPPED,
            omitted=("auto scaling of table: the restored table is on demand",),
            reason="auto scaling of table: the restored table is on demand",
        ),
        Outcome("ttl", Status.SKIPPED, reason="switched off"),
    ),
)

INCOMPLETE = Report(
    Result.INCOMPLETE,
    "orders",
    "orders-restored",
    finished_at=datetime(2026, 11, 22, 7, 41, 9, tzinfo=UTC),
    requested_at=datetime(2026, 11, 22, 7, 0, 1, tzinfo=UTC),
    requested_by="unknown",
    reason="gave up after 380 attempts: stream: it stays UPDATING",
    outcomes=(
        Outcome(
            "stream",
            Status.FAILED,
            done=("enable a stream of NEW_IMAGE",),
            reason="not seen after it was applied: the table is UPDATING",
            retryable=True,
        ),
        Outcome("ttl", Status.FAILED, reason="UpdateTimeToLive: AccessDeniedException: not authorized."),
    ),
)


def test_text_of_a_restore_that_succeeded() -> None:
    assert SYNCED.text() == (
        "orders -> orders-restored: synced; 1 setting left out: auto_scaling; 1 setting left out in part: tags\n"
        "\n"
        "Restored to   2026-11-22T06:30:00Z\n"
        "Requested     2026-11-22T07:00:01Z by arn:aws:iam::123456789012:user/ana\n"
        "Finished      2026-11-22T07:41:09Z after 12 attempts\n"
        "Restore id    5b2f3c1e-6d0a-4c0e-9d3b-2f1a7c9e4d10\n"
        "\n"
        "Note: changes before 06:31 are missing\n"
        "\n"
        "UNCHANGED  point_in_time_recovery\n"
        "\n"
        "APPLIED    tags\n"
        "  + add tags team=checkout\n"
        "  - tag stage is kept\n"
        "\n"
        "SKIPPED    auto_scaling\n"
        "  - auto scaling of table: the restored table is on demand\n"
        "\n"
        "SKIPPED    ttl\n"
        "  - switched off\n"
    )


FOUND = FindingsReport(
    "orders",
    "orders-restored",
    "5b2f3c1e-6d0a-4c0e-9d3b-2f1a7c9e4d10",
    (Finding("dashboards", "dashboard shop-overview", "add the metrics of orders-restored to it"),),
)


def test_what_was_found_for_people_and_for_machines() -> None:
    assert FOUND.subject() == "DynamoDB restore to do: orders -> orders-restored"
    assert FOUND.text() == (
        "TO DO      what names orders and was not cloned to orders-restored\n"
        "  * dashboard shop-overview: add the metrics of orders-restored to it\n"
    )
    assert FOUND.as_json() == {
        "source": "orders",
        "target": "orders-restored",
        "restore_id": "5b2f3c1e-6d0a-4c0e-9d3b-2f1a7c9e4d10",
        "findings": [
            {
                "kind": "dashboards",
                "name": "dashboard shop-overview",
                "advice": "add the metrics of orders-restored to it",
            },
        ],
        "more": 0,
    }


def test_text_of_a_restore_that_needs_a_person() -> None:
    assert INCOMPLETE.text() == (
        "orders -> orders-restored: incomplete; 2 settings failed: stream, ttl\n"
        "\n"
        "Reason: gave up after 380 attempts: stream: it stays UPDATING\n"
        "\n"
        "Requested     2026-11-22T07:00:01Z by unknown\n"
        "Finished      2026-11-22T07:41:09Z after 1 attempt\n"
        "\n"
        "FAILED     stream\n"
        "  + enable a stream of NEW_IMAGE\n"
        "  ! not seen after it was applied: the table is UPDATING. Trying again can help.\n"
        "\n"
        "FAILED     ttl\n"
        "  ! UpdateTimeToLive: AccessDeniedException: not authorized. Trying again does not help until\n"
        "    this is mended.\n"
    )


def test_text_of_what_nobody_can_know() -> None:
    doubtful = Outcome("ttl", Status.UNCHANGED, in_doubt=("enable TTL by expires",))
    assert (
        replace(SYNCED, outcomes=(doubtful,))
        .text()
        .endswith(
            "UNCHANGED  ttl\n"
            "  ? enable TTL by expires\n"
            "  ? (An interrupted delivery planned these steps; whether it took them is not known.)\n"
        )
    )


def test_json() -> None:
    assert SYNCED.as_json() == {
        "result": "synced",
        "summary": "synced; 1 setting left out: auto_scaling; 1 setting left out in part: tags",
        "left_out": ["tags", "auto_scaling"],
        "held": [],
        "release": None,
        "source": "orders",
        "target": "orders-restored",
        "restore_id": "5b2f3c1e-6d0a-4c0e-9d3b-2f1a7c9e4d10",
        "restore_point": "2026-11-22T06:30:00Z",
        "requested_at": "2026-11-22T07:00:01Z",
        "requested_by": "arn:aws:iam::123456789012:user/ana",
        "finished_at": "2026-11-22T07:41:09Z",
        "attempts": 12,
        "reason": None,
        "notes": ["changes before 06:31 are missing"],
        "settings": [
            {
                "setting": "point_in_time_recovery",
                "status": "unchanged",
                "done": [],
                "conflicts": [],
                "omitted": [],
                "chosen": [],
                "reason": None,
                "retryable": False,
                "in_doubt": [],
                "held": [],
                "switch": None,
            },
            {
                "setting": "tags",
                "status": "applied",
                "done": ["add tags team=checkout"],
                "conflicts": ["tag stage is kept"],
                "omitted": [],
                "chosen": [],
                "reason": None,
                "retryable": False,
                "in_doubt": [],
                "held": [],
                "switch": None,
            },
            {
                "setting": "auto_scaling",
                "status": "skipped",
                "done": [],
                "conflicts": [],
                "omitted": ["auto scaling of table: the restored table is on demand"],
                "chosen": [],
                "reason": "auto scaling of table: the restored table is on demand",
                "retryable": False,
                "in_doubt": [],
                "held": [],
                "switch": None,
            },
            {
                "setting": "ttl",
                "status": "skipped",
                "done": [],
                "conflicts": [],
                "omitted": [],
                "chosen": [],
                "reason": "switched off",
                "retryable": False,
                "in_doubt": [],
                "held": [],
                "switch": None,
            },
        ],
    }


def test_json_of_a_direct_invocation_has_no_request() -> None:
    report = Report(
        Result.DRY_RUN, "orders", "orders-copy", finished_at=datetime(2026, 11, 22, 7, 0, tzinfo=UTC)
    )
    assert report.as_json() == {
        "result": "dry_run",
        "summary": "dry run, nothing was written",
        "left_out": [],
        "held": [],
        "release": None,
        "source": "orders",
        "target": "orders-copy",
        "restore_id": None,
        "restore_point": None,
        "requested_at": None,
        "requested_by": None,
        "finished_at": "2026-11-22T07:00:00Z",
        "attempts": 1,
        "reason": None,
        "notes": [],
        "settings": [],
    }


DOUBTFUL = Outcome("tags", Status.UNCHANGED, in_doubt=("add tags team=checkout",))


@pytest.mark.parametrize(
    "outcome",
    [*SYNCED.outcomes, *INCOMPLETE.outcomes, DOUBTFUL],
    ids=lambda o: f"{o.setting} {o.status.value}",
)
def test_an_outcome_comes_back_from_json(outcome: Outcome) -> None:
    assert Outcome.from_json(outcome.as_json()) == outcome


def test_subject() -> None:
    assert SYNCED.subject() == "DynamoDB restore synced, 2 settings left out: orders -> orders-restored"
    whole = replace(SYNCED, outcomes=())
    assert whole.subject() == "DynamoDB restore synced: orders -> orders-restored"


def test_a_long_subject_is_cut_where_sns_would_refuse_it() -> None:
    report = Report(Result.FAILED, "o" * 255, "t" * 255, finished_at=SYNCED.finished_at)
    assert report.subject() == f"DynamoDB restore failed: {'o' * 72}..."
    assert len(report.subject()) == 100
    exact = Report(Result.FAILED, "o" * 35, "t" * 36, finished_at=SYNCED.finished_at)
    assert exact.subject() == f"DynamoDB restore failed: {'o' * 35} -> {'t' * 36}"


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ([], Result.SYNCED),
        ([Status.UNCHANGED, Status.APPLIED, Status.SKIPPED], Result.SYNCED),
        ([Status.APPLIED, Status.FAILED], Result.INCOMPLETE),
        ([Status.FAILED], Result.INCOMPLETE),
    ],
)
def test_the_outcomes_add_up(statuses: list[Status], expected: Result) -> None:
    assert overall([Outcome("tags", status) for status in statuses]) is expected


APPLIED = Outcome("tags", Status.APPLIED, done=("add tags team=checkout",))
OFF = Outcome("ttl", Status.SKIPPED, reason="switched off")


@pytest.mark.parametrize(
    ("result", "outcomes", "expected"),
    [
        (Result.SYNCED, [], "synced; every setting that is switched on is as on the source"),
        (Result.SYNCED, [APPLIED, OFF], "synced; every setting that is switched on is as on the source"),
        (
            Result.SYNCED,
            [replace(OFF, switch=Switch(on=False, by=SwitchedBy.TAG))],
            "synced; 1 setting left out: ttl",
        ),
        (
            Result.REPLAYING,
            [replace(OFF, reason="waits for cutover", switch=Switch(on=True, by=SwitchedBy.TAG))],
            "replaying, and following its source until you cut over",
        ),
        (Result.SYNCED, [replace(APPLIED, omitted=("x",))], "synced; 1 setting left out in part: tags"),
        (
            Result.SYNCED,
            [APPLIED, Outcome("indexes", Status.UNCHANGED, chosen=("x",))],
            "synced; 1 setting with a note: indexes",
        ),
        # It holds, whoever did it.
        (
            Result.SYNCED,
            [Outcome("tags", Status.UNCHANGED, in_doubt=("x",))],
            "synced; every setting that is switched on is as on the source",
        ),
        (
            Result.FAILED,
            [Outcome("tags", Status.FAILED, in_doubt=("x",))],
            "failed; 1 setting perhaps applied: tags; 1 setting failed: tags",
        ),
        (
            Result.INCOMPLETE,
            [Outcome("ttl", Status.FAILED, omitted=("x",)), Outcome("stream", Status.FAILED)],
            "incomplete; 2 settings failed: ttl, stream",
        ),
        (Result.FAILED, [], "failed; no setting was applied"),
        (
            Result.FAILED,
            [APPLIED, Outcome("ttl", Status.FAILED)],
            "failed; 1 setting applied in part or whole: tags; 1 setting failed: ttl",
        ),
        (Result.SKIPPED, [], "skipped; no setting was applied"),
        (Result.ABANDONED, [APPLIED], "abandoned before cutover"),
        (
            Result.DRY_RUN,
            [replace(APPLIED, status=Status.PLANNED)],
            "dry run, nothing was written; 1 setting would change: tags",
        ),
    ],
)
def test_the_summary_counts(result: Result, outcomes: list[Outcome], expected: str) -> None:
    assert replace(SYNCED, result=result, outcomes=outcomes).summary() == expected


def test_who_switched_a_setting_on_is_told_where_it_was_not_the_deployment() -> None:
    for by, told in (
        (SwitchedBy.VARIABLE, ""),
        (SwitchedBy.TAG, " (by the source's tag)"),
        (SwitchedBy.OVERRIDE, " (by an override)"),
    ):
        switched = replace(APPLIED, switch=Switch(on=True, by=by))
        assert f"APPLIED    tags{told}\n" in replace(SYNCED, outcomes=[switched]).text()
        assert Outcome.from_json(switched.as_json()).switch == switched.switch
