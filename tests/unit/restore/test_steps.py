"""What is told of a restore's steps, over several deliveries."""

from __future__ import annotations

from dynamodb_restore.restore.steps import Steps
from dynamodb_restore.sync.outcome import Outcome, Status

PUT = "put fig"


def told(steps: Steps, outcome: Outcome) -> Outcome:
    (result,) = steps.with_noted_steps([outcome])
    return result


def test_a_step_is_planned_then_done() -> None:
    steps = Steps().with_plan({"shelf": [PUT, "put plum"]})
    assert steps.with_done("shelf", PUT) == Steps({"shelf": ["put plum"]}, {"shelf": [PUT]})
    assert steps.with_not_done("shelf", PUT) == Steps({"shelf": ["put plum"]})


def test_a_setting_without_open_steps_is_not_in_the_plan() -> None:
    assert Steps().with_plan({"shelf": [PUT]}).with_done("shelf", PUT).planned == {}


def test_a_step_of_another_setting_stays_planned() -> None:
    steps = Steps().with_plan({"shelf": [PUT], "rack": [PUT]})
    assert steps.with_done("rack", PUT).planned == {"shelf": [PUT]}


def test_each_step_is_noted_once() -> None:
    steps = Steps().with_plan({"shelf": [PUT]}).with_plan({"shelf": [PUT, "put plum"], "rack": [PUT]})
    assert steps.planned == {"shelf": [PUT, "put plum"], "rack": [PUT]}
    assert Steps().with_done("shelf", PUT).with_done("shelf", PUT).done == {"shelf": [PUT]}


def test_what_an_earlier_delivery_did_is_told_by_the_next() -> None:
    steps = Steps(done={"shelf": [PUT]})
    assert told(steps, Outcome("shelf", Status.UNCHANGED, still_open=())) == Outcome(
        "shelf", Status.APPLIED, done=(PUT,)
    )
    applied = Outcome("shelf", Status.APPLIED, done=("put plum",), still_open=())
    assert told(steps, applied).done == (PUT, "put plum")


def test_what_was_done_and_is_lacking_again_is_not_told_as_done() -> None:
    failed = Outcome("shelf", Status.FAILED, still_open=(PUT,), reason="denied")
    assert told(Steps(done={"shelf": [PUT]}), failed) == failed


def test_a_failed_setting_stays_failed_whatever_was_done() -> None:
    failed = Outcome("shelf", Status.FAILED, still_open=("put plum",), reason="denied")
    assert told(Steps(done={"shelf": [PUT]}), failed) == Outcome(
        "shelf", Status.FAILED, done=(PUT,), reason="denied"
    )


def test_a_planned_step_is_not_done_but_in_doubt() -> None:
    unchanged = Outcome("shelf", Status.UNCHANGED, still_open=())
    assert told(Steps({"shelf": [PUT]}), unchanged) == Outcome("shelf", Status.UNCHANGED, in_doubt=(PUT,))


def test_a_planned_step_that_is_open_is_not_in_doubt() -> None:
    failed = Outcome("shelf", Status.FAILED, still_open=(PUT,), reason="denied")
    assert told(Steps({"shelf": [PUT]}), failed) == failed


def test_a_step_that_was_done_is_told_of_a_setting_that_is_not_looked_at_any_more() -> None:
    off = Outcome("shelf", Status.SKIPPED, reason="switched off")
    assert told(Steps({"shelf": ["put plum"]}, {"shelf": [PUT]}), off) == Outcome(
        "shelf", Status.SKIPPED, done=(PUT,), in_doubt=("put plum",), reason="switched off"
    )


def test_a_setting_of_which_only_steps_are_on_record_has_failed_until_somebody_looks() -> None:
    steps = Steps({"shelf": ["put plum"]}, {"shelf": [PUT], "rack": [PUT]})
    rack = Outcome("rack", Status.UNCHANGED, still_open=())
    assert steps.on_record([rack]) == [
        Outcome("rack", Status.APPLIED, done=(PUT,)),
        Outcome(
            "shelf",
            Status.FAILED,
            done=(PUT,),
            in_doubt=("put plum",),
            reason="the delivery that applied it was interrupted before it could tell how it ended",
            retryable=True,
        ),
    ]


def test_what_is_held_is_not_told_as_applied_whatever_was_done() -> None:
    held = Outcome("shelf", Status.SKIPPED, held=("put plum",), still_open=("put plum",), reason="held")
    assert told(Steps(done={"shelf": [PUT]}), held) == Outcome(
        "shelf", Status.SKIPPED, done=(PUT,), held=("put plum",), reason="held"
    )
