"""A window with an end must not import what its source has now, which may be what it was to leave out (3)."""

from __future__ import annotations

from dynamodb_restore.changes.window import Window
from tests.unit.changes.makers import NOON, Pipeline, key, message, put, read

ENDED = Window(0, NOON + 60)


def test_a_change_without_an_image_is_quarantined_and_not_read_from_the_source() -> None:
    pipeline = Pipeline(ENDED)
    pipeline.tables.source["a"] = {**key("a"), "n": {"N": "corrupted after the end"}}

    replayed = pipeline.replay(message("m1", 3, 11, [read("a"), put("b")]))

    assert pipeline.target == {"b": key("b")}
    assert "no image from inside the window" in pipeline.quarantined()["a"]
    assert (replayed.quarantined, replayed.applied, replayed.retry) == (1, 1, [])
    assert not any(operation == "BatchGetItem" for operation, _ in pipeline.tables.calls)


def test_an_image_that_comes_later_ends_the_quarantine() -> None:
    pipeline = Pipeline(ENDED)
    pipeline.replay(message("m1", 3, 11, [read("a")]))

    pipeline.replay(message("m2", 3, 12, [put("a")]))

    assert (pipeline.target, pipeline.quarantined()) == ({"a": key("a")}, {})


def test_a_change_outside_the_window_needs_no_image() -> None:
    pipeline = Pipeline(ENDED)

    assert pipeline.replay(message("m1", 3, 11, [read("a", time=NOON + 60)])).outside == 1
    assert pipeline.quarantined() == {}


def test_whoever_accepts_present_images_gets_them() -> None:
    pipeline = Pipeline(Window(0, NOON + 60, present_images=True))
    pipeline.tables.source["a"] = key("a")

    assert pipeline.replay(message("m1", 3, 11, [read("a")])).applied == 1
    assert pipeline.target == {"a": key("a")}
    claim = pipeline.claims.current()
    assert claim is not None
    assert claim.window.present_images
