"""How one restore is treated: settings, the source's tag, overrides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from dynamodb_restore.backoff import Backoff
from dynamodb_restore.config import Drills, Override, Polling, WorkerConfig
from dynamodb_restore.restore.control import Treatment, treatment
from dynamodb_restore.sync.outcome import SwitchedBy

POLLING = Polling(380, Backoff(base_seconds=10, rate=1.5, cap_seconds=300, jitter=0.2))
SHORT = Polling(5, Backoff(base_seconds=1, rate=1, cap_seconds=1, jitter=0))
SWITCHES = {"tags": True, "ttl": True, "stream_triggers": True, "replicas": False, "warm_throughput": False}
TAG = "dynamodb-restore:settings"


def override(source: str = "*", target: str = "*", **more: Any) -> Override:
    chosen = {"settings": {}, "follow": True, "replay": True, "notify": True, "polling": POLLING, **more}
    return Override(source, target, **chosen)


DRILL = override(target="*-drill", settings={"stream_triggers": False, "replicas": False}, replay=False)


def config(
    *overrides: Override,
    follow_terraform: bool = True,
    control_tag: str | None = TAG,
    excludes: Sequence[str] = (),
    drills: Drills | None = None,
) -> WorkerConfig:
    return WorkerConfig(
        restore_table_name="",
        restore_queue_url="",
        dead_letter_queue_url="",
        notification_topic_arn=None,
        event_bus_name="default",
        switches=SWITCHES,
        polling=POLLING,
        record_retention_days=90,
        drills=drills or Drills(),
        overrides=overrides,
        control_tag=control_tag,
        control_tag_excludes=excludes,
        follow_terraform=follow_terraform,
    )


def treated(choice: str | None = None, *overrides: Override, target: str = "orders-restored") -> Treatment:
    return treatment(config(*overrides), "orders", target, choice)


def on(result: Treatment) -> set[str]:
    return {name for name, switch in result.switches.items() if switch}


def test_without_tag_and_overrides_the_deployment_decides() -> None:
    assert treated() == Treatment(SWITCHES, POLLING)


class TestOverrides:
    def test_the_first_that_matches_holds_alone(self) -> None:
        never = override(source="customers", follow=False)
        later = override(settings={"tags": False}, notify=False)
        result = treated(None, never, DRILL, later, target="orders-drill")
        assert on(result) == {"tags", "ttl"}
        assert (result.replay, result.notify, result.left_alone) == (False, True, None)

    def test_one_that_does_not_match_changes_nothing(self) -> None:
        assert treated(None, DRILL) == Treatment(SWITCHES, POLLING)

    def test_both_names_must_match(self) -> None:
        both = override(source="orders", target="*-drill", follow=False)
        assert treated(None, both).left_alone is None
        assert treated(None, both, target="orders-drill").left_alone == (
            "entry 1 of overrides (orders into *-drill) says so"
        )
        assert treatment(config(both), "customers", "orders-drill", None).left_alone is None

    def test_a_switch_that_is_off_by_default_can_be_turned_on(self) -> None:
        assert "replicas" in on(treated(None, override(settings={"replicas": True})))

    def test_polling_and_notification_are_its_own(self) -> None:
        result = treated(None, override(polling=SHORT, notify=False))
        assert (result.polling, result.notify) == (SHORT, False)


class TestDrills:
    DRILLS = Drills(["*-drill"], ["tags"])

    def treated(
        self,
        choice: str | None = None,
        *overrides: Override,
        target: str = "orders-drill",
        test: bool = False,
    ) -> Treatment:
        chosen = config(*overrides, drills=self.DRILLS)
        return treatment(chosen, "orders", target, choice, restore_test=test)

    def test_one_gets_what_drills_keep_and_no_pipeline(self) -> None:
        result = self.treated()
        assert (on(result), result.replay, result.left_alone) == ({"tags"}, False, None)
        assert {name for name in SWITCHES if result.switched_by(name) is SwitchedBy.DRILL} == {
            "ttl",
            "stream_triggers",
        }

    def test_any_other_restore_is_none(self) -> None:
        assert self.treated(target="orders-restored") == Treatment(SWITCHES, POLLING)

    def test_a_restore_test_is_one_under_any_name(self) -> None:
        assert self.treated(target="orders-restored", test=True) == self.treated()

    def test_it_goes_over_the_tag(self) -> None:
        result = self.treated("tags ttl")
        assert (on(result), result.switched_by("ttl")) == ({"tags"}, SwitchedBy.DRILL)

    def test_an_override_for_whatever_is_restored_does_not_mean_it(self) -> None:
        result = self.treated(None, override(source="orders", settings={"ttl": True}, notify=False))
        assert (on(result), result.notify) == ({"tags"}, False)

    def test_an_override_for_its_target_goes_over_it_but_gives_it_no_pipeline(self) -> None:
        result = self.treated(None, override(target="*-drill", settings={"ttl": True}))
        assert (on(result), result.switched_by("ttl"), result.replay) == (
            {"tags", "ttl"},
            SwitchedBy.OVERRIDE,
            False,
        )

    def test_where_nothing_is_left_of_it_it_is_left_alone(self) -> None:
        reason = "it is a drill, and nothing that drills get is on"
        assert self.treated("ttl").left_alone == reason
        assert self.treated("off").left_alone == f"the source's tag {TAG} is 'off'"


class TestTag:
    def test_off_asks_not_to_be_followed(self) -> None:
        assert treated("off").left_alone == f"the source's tag {TAG} is 'off'"

    def test_plain_names_are_exactly_these(self) -> None:
        assert on(treated(" ttl  tags ")) == {"tags", "ttl"}

    def test_signed_names_are_changes(self) -> None:
        result = treated("-ttl +replicas", override(source="other", settings={"replicas": True}))
        assert on(result) == {"tags", "stream_triggers", "replicas"}
        assert result.notes == ()

    @pytest.mark.parametrize("value", ["", "  "])
    def test_an_empty_value_chooses_nothing(self, value: str) -> None:
        assert treated(value) == Treatment(SWITCHES, POLLING)

    @pytest.mark.parametrize(
        ("value", "why"),
        [
            ("offf", "no such setting: offf"),
            ("off tags", "no such setting: off"),
            ("+tags ttl", "some names have a sign and some have none"),
            ("-", "no such setting: -"),
            ("tags,ttl", "no such setting: tags,ttl"),
        ],
    )
    def test_a_value_that_makes_no_sense_is_told_and_not_heeded(self, value: str, why: str) -> None:
        result = treated(value)
        assert (result.switches, result.left_alone) == (SWITCHES, None)
        (note,) = result.notes
        assert why in note

    def test_what_the_roles_may_not_do_is_told_and_left_off(self) -> None:
        result = treated("+replicas -tags")
        assert on(result) == {"ttl", "stream_triggers"}
        assert result.notes == (
            f"the source's tag {TAG} asks for replicas, which this deployment switches off",
        )

    def test_an_override_goes_over_the_tag(self) -> None:
        assert on(treated("tags stream_triggers", DRILL, target="orders-drill")) == {"tags"}

    def test_an_override_does_not_undo_an_opt_out(self) -> None:
        assert treated("off", DRILL, target="orders-drill").left_alone == f"the source's tag {TAG} is 'off'"


class TestWhoDecides:
    def test_the_variable_does_where_nobody_else_says_anything(self) -> None:
        assert {treated().switched_by(name) for name in SWITCHES} == {SwitchedBy.VARIABLE}

    def test_the_tag_does_where_it_differs_from_the_variable(self) -> None:
        result = treated("tags stream_triggers")
        assert {
            name: by for name in SWITCHES if (by := result.switched_by(name)) is not SwitchedBy.VARIABLE
        } == {"ttl": SwitchedBy.TAG}

    def test_an_override_does_for_what_it_names(self) -> None:
        result = treated("-tags -ttl", override(settings={"ttl": True, "stream_triggers": True}))
        assert {
            name: by for name in SWITCHES if (by := result.switched_by(name)) is not SwitchedBy.VARIABLE
        } == {
            "tags": SwitchedBy.TAG,
            "ttl": SwitchedBy.OVERRIDE,
            "stream_triggers": SwitchedBy.OVERRIDE,
        }


class TestWhatTheTagDoesNotDecide:
    @staticmethod
    def excluding(choice: str, *excludes: str, overrides: Sequence[Override] = ()) -> Treatment:
        return treatment(config(*overrides, excludes=excludes), "orders", "orders-restored", choice)

    @pytest.mark.parametrize("choice", ["-tags -ttl", "stream_triggers"])
    def test_stays_as_the_variable_has_it_and_is_noted(self, choice: str) -> None:
        result = self.excluding(choice, "tags")
        assert on(result) == {"tags", "stream_triggers"}
        assert result.switched_by("tags") is SwitchedBy.VARIABLE
        assert result.notes == (f"the source's tag {TAG} does not decide about tags (control_tag_excludes)",)

    def test_what_the_tag_does_not_want_otherwise_is_not_noted(self) -> None:
        assert self.excluding("-ttl", "tags").notes == ()

    def test_cannot_be_switched_on_either(self) -> None:
        allowed = override(source="other", settings={"replicas": True})
        result = self.excluding("+replicas", "replicas", overrides=[allowed])
        assert "replicas" not in on(result)
        assert result.notes == (
            f"the source's tag {TAG} does not decide about replicas (control_tag_excludes)",
        )

    def test_an_override_decides_about_it(self) -> None:
        off = override(settings={"tags": False})
        assert "tags" not in on(self.excluding("-ttl", "tags", overrides=[off]))

    def test_off_leaves_it_on_and_all_else_off(self) -> None:
        result = self.excluding("off", "tags", "ttl", "replicas")
        assert (on(result), result.left_alone, result.replay) == ({"tags", "ttl"}, None, False)
        assert result.notes == (
            (
                f"the source's tag {TAG} is 'off': only what it does not decide is cloned, tags, ttl"
                " (control_tag_excludes)"
            ),
        )

    def test_an_override_does_not_bring_replay_back_to_what_is_off(self) -> None:
        assert self.excluding("off", "tags", overrides=[override(replay=True)]).replay is False


def test_a_restore_by_terraform_is_left_alone_where_that_was_chosen() -> None:
    for follows, reason in (
        (True, None),
        (False, "Terraform made this table and manages its settings itself"),
    ):
        chosen = config(follow_terraform=follows)
        assert treatment(chosen, "orders", "orders-new", None, by_terraform=True).left_alone == reason
        assert treatment(chosen, "orders", "orders-new", None).left_alone is None


def test_an_override_holds_settings_and_an_operator_releases_them() -> None:
    result = treated(None, override(hold=("ttl", "tags")))
    assert set(result.held) == {"ttl", "tags"}
    assert on(result) == on(treated())
    assert set(result.releasing(["ttl"]).held) == {"tags"}
    assert on(result.releasing(["ttl"])) == on(result)


def test_nothing_is_held_where_no_override_says_so() -> None:
    """Neither the tag nor an override that does not match holds anything."""
    assert list(treated("ttl", override(target="other", hold=("ttl",))).held) == []
