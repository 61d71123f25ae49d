"""Whatever the stream's view and the table's key: the target ends equal to the source, attribute by attribute."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.reference.pipeline import Pipeline
from tests.reference.tables import Schema, View

# The tests reset warnings; an invocation that finds nothing to do has nothing to count.
pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")

_BEFORE_THE_RESTORE = 400
_FAULT_RATE = 0.08


_FEWEST_FAULTS = 5


def eventful(pipeline: Pipeline) -> bool:
    """Whether enough went wrong on both sides for the end to prove something.

    How the engine's stream cuts batches differs between runs, so no single kind of fault is sure to occur.
    """
    happened = pipeline.happened
    captures = happened["capture failed"] + happened["capture cut short"]
    replays = happened["replay failed"] + happened["replay cut short"]
    return captures > 0 and replays > 0 and pipeline.faults.seen.total() >= _FEWEST_FAULTS


@pytest.mark.parametrize(
    ("view", "schema", "group_count", "changes"),
    [
        ("NEW_AND_OLD_IMAGES", {"pk": "B", "sk": "N"}, 16, 3000),
        ("NEW_IMAGE", {"pk": "N"}, 40, 2000),
        ("KEYS_ONLY", {"pk": "S", "sk": "B"}, 16, 2000),
        ("OLD_IMAGE", {"pk": "B"}, 5, 2000),
    ],
)
def test_the_target_ends_equal_to_the_source(
    make_pipeline: Callable[..., Pipeline], view: View, schema: Schema, group_count: int, changes: int
) -> None:
    pipeline = make_pipeline(view, schema, view=view, group_count=group_count)
    pipeline.writer.write(_BEFORE_THE_RESTORE)
    pipeline.restore()

    pipeline.live(changes, fault_rate=_FAULT_RATE)
    pipeline.drain()

    assert len(pipeline.records) == pipeline.writer.changes
    assert pipeline.differences() == []
    assert list(pipeline.quarantine.items()) == []
    assert not pipeline.aside.messages
    assert eventful(pipeline), f"{pipeline.happened} and {pipeline.faults.seen} prove too little"
