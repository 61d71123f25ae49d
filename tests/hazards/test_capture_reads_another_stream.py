"""The table's stream is switched off and on after the last apply: a new stream, and the mapping reads the old one, which
looks healthy and gets nothing new. With `capture = "always"` nobody notices before a restore needs the changes."""

from __future__ import annotations

import json

import pytest

from dynamodb_restore.aws import Clients
from tests.unit.changes.house import STREAM, House, build
from tests.unit.fakes import Aws


@pytest.fixture
def house(aws: Aws, clients: Clients, monkeypatch: pytest.MonkeyPatch) -> House:
    house = build(aws, clients, monkeypatch)
    house.register("always")
    return house


def switch_off_and_on(house: House) -> str:
    """DynamoDB makes a new stream, with an ARN of its own."""
    live = STREAM.replace("2026-11-01", "2026-11-22")
    house.stream_is(live)
    return live


def test_the_alarm_goes_off_before_any_restore(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    live = switch_off_and_on(house)

    found = house.upkeep("upkeep")["misdirected"]

    assert found == (
        f"capture reads {STREAM}, and the stream of orders is {live} now: "
        "run `terraform apply` where the pipeline is configured"
    )
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line]
    assert [(line["CaptureMisdirected"], line["table"]) for line in lines] == [([1.0], "orders")]


def test_a_stream_that_is_off_sets_it_off_too(house: House) -> None:
    house.stream_is(STREAM, enabled=False)

    assert house.upkeep("upkeep")["misdirected"].startswith("the stream of orders is switched off")
