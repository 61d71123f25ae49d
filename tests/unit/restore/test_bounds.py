"""Cutting what is too long: as much as fits, and how much is missing."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamodb_restore.findings.finding import Finding
from dynamodb_restore.restore.bounds import (
    LINE_BYTES,
    OUTCOMES_BYTES,
    cut_at,
    first_of,
    fitted_outcomes,
    json_bytes,
    json_text,
    shortened,
)
from dynamodb_restore.restore.report import FindingsReport, Report, Result
from dynamodb_restore.restore.steps import Steps
from dynamodb_restore.sync.outcome import Outcome, Status
from tests.unit.restore.test_report import SYNCED

LONG_TEXTS = st.text(max_size=40).map(lambda text: text * 200)


def test_a_size_counts_bytes_and_escapes() -> None:
    assert json_bytes("a") == 3
    assert json_bytes("é") == 4
    assert json_bytes('"') == 4
    assert json_bytes("\x00") == 8


def test_what_utf_8_cannot_write_becomes_a_question_mark() -> None:
    assert json_text({"a": "x\ud800y"}) == '{"a": "x?y"}'
    assert cut_at("x\ud800y", 3) == "x?y"


@pytest.mark.parametrize(("most", "expected"), [(4, "aé"), (3, "aé"), (2, "a"), (1, "a"), (0, "")])
def test_a_cut_is_never_within_a_character(most: int, expected: str) -> None:
    assert cut_at("aé", most) == expected


def test_a_short_text_stays_as_it_is() -> None:
    assert shortened("x" * 998) == "x" * 998


@given(LONG_TEXTS)
def test_a_long_text_fits_and_says_how_much_is_missing(text: str) -> None:
    line = shortened(text)
    assert json_bytes(line) <= LINE_BYTES
    assert shortened(line) == line
    if line != text:
        beginning, _, rest = line.rpartition("... (")
        assert text.startswith(beginning)
        assert len(beginning) + int(rest.removesuffix(" characters more)")) == len(text)


def test_lists_are_cut_and_counted() -> None:
    lines = [str(number) for number in range(315)]
    assert first_of(lines, 3) == ("0", "1", "2", "... and 312 more")
    assert first_of(lines, 315) == tuple(lines)
    assert first_of([], 0) == ()


def test_what_was_cut_before_is_counted_with_its_number() -> None:
    assert first_of(["0", "1", "... and 312 more", "2"], 2) == ("0", "1", "... and 313 more")
    assert first_of(["0", "... and 312 more", "2"], 9) == ("0", "2", "... and 312 more")


def huge(lines: int, line: str = "x" * 300) -> Report:
    many = tuple(f"{number} {line}" for number in range(lines))
    outcomes = tuple(
        Outcome(
            f"setting_{number}",
            Status.FAILED,
            done=many,
            in_doubt=many,
            held=many,
            conflicts=many,
            omitted=many,
            reason="; ".join(many),
        )
        for number in range(17)
    )
    return replace(
        SYNCED,
        result=Result.FAILED,
        outcomes=outcomes,
        notes=many,
        reason="; ".join(many),
        requested_by=line * 100,
    )


@pytest.mark.parametrize("line", ["x" * 300, "é" * 300, "\x00" * 300, "\t" * 3000, '"\\' * 300, "🦆 " * 300])
@pytest.mark.parametrize("most", [60_000, 240_000])
def test_a_report_is_cut_to_fit(line: str, most: int) -> None:
    cut = huge(200, line).within(most)
    # The next longer cut has one line more in each of 85 lists.
    assert max(20_000, most - 90_000) < json_bytes(cut.as_json()) <= most
    assert len(cut.text().encode()) <= 262_144
    assert cut.notes[-1].startswith("... and ")
    assert cut.summary() == huge(200, line).summary()
    for outcome in cut.outcomes:
        assert outcome.done[-1].startswith("... and ")


def test_only_the_longest_lists_are_cut() -> None:
    long = Outcome(
        "cloudwatch_alarms", Status.APPLIED, done=tuple(f"create alarm {n}" for n in range(40_000))
    )
    cut = replace(SYNCED, outcomes=(*SYNCED.outcomes, long)).within()
    assert list(cut.outcomes[:-1]) == list(SYNCED.outcomes)
    *shown, more = cut.outcomes[-1].done
    assert more == f"... and {40_000 - len(shown)} more"
    assert len(shown) > 5_000
    assert cut.notes == SYNCED.notes


def test_a_report_that_fits_is_told_whole() -> None:
    assert SYNCED.within() is SYNCED


def test_outcomes_are_cut_to_fit() -> None:
    cut = fitted_outcomes(huge(200).outcomes)
    assert json_bytes([outcome.as_json() for outcome in cut]) <= OUTCOMES_BYTES
    assert json.loads(json_text(cut[0].as_json()))["done"][-1].startswith("... and ")


def test_steps_are_cut_to_fit_and_still_known_by_their_beginnings() -> None:
    long = "put " + "fig " * 1000
    steps = Steps().with_plan({"shelf": [long, *(f"put {number}" for number in range(9_000))]})
    cut = steps.within(30_000)
    assert json_bytes([cut.planned, cut.done]) <= 30_000
    assert list(cut.planned["shelf"])[-1].startswith("... and ")
    # A step that is open is not in doubt, however long its summary is.
    failed = Outcome("shelf", Status.FAILED, still_open=(long,), reason="denied")
    (told,) = Steps().with_plan({"shelf": [long]}).with_noted_steps([failed])
    assert told.in_doubt == ()
    # One that was done in this run is told whole, and once.
    applied = Outcome("shelf", Status.APPLIED, done=(long,), still_open=())
    (told,) = Steps().with_plan({"shelf": [long]}).with_done("shelf", long).with_noted_steps([applied])
    assert (told.done, told.in_doubt) == ((long,), ())
    assert Steps().with_plan({"shelf": [long]}).with_not_done("shelf", long).planned == {}


def test_findings_are_cut_and_counted() -> None:
    many = [Finding("dashboards", f"dashboard {number}", "é" * 3_000) for number in range(1_000)]
    cut = FindingsReport("orders", "orders-restored", None, many).within()
    assert json_bytes(cut.as_json()) < 250_000
    assert (len(cut.findings) + cut.more, cut.more > 0) == (1_000, True)
    assert cut.text().endswith(f"  * ... and {cut.more} more\n")
    few = FindingsReport("orders", "orders-restored", None, many[:2])
    assert few.within() == few
