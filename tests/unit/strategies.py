"""What the property tests draw from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from dynamodb_restore.backoff import Backoff
from tests.unit.builders import EVENTS

json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)

table_names = st.text("abcXYZ019_.-", min_size=3, max_size=40)

# What CloudTrail, an operator or an attacker may write where a time is expected.
time_texts = st.one_of(
    st.text(max_size=40),
    st.from_regex(r"\A[0-9]{1,30}(\.[0-9]{1,5})?([eE]\+?[0-9]{1,4})?\Z"),
    st.from_regex(r"\A[A-Z][a-z]{2} [0-9]{1,2}, [0-9]{4},? [0-9]{1,2}:[0-9]{2}:[0-9]{2}\s[AP]M\Z"),
    st.datetimes().map(lambda instant: instant.isoformat() + "+14:00"),
)


def _paths(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    if isinstance(value, Mapping):
        deeper = [_paths(item, (*path, key)) for key, item in value.items()]
    elif isinstance(value, list):
        deeper = [_paths(item, (*path, index)) for index, item in enumerate(value)]
    else:
        deeper = []
    return [path, *(inner for paths in deeper for inner in paths)]


@st.composite
def damaged_events(draw: st.DrawFn) -> Any:
    """A real event in which some values were replaced by anything at all, or removed."""
    names = sorted(path.name for path in EVENTS.glob("*.json") if not path.stem.endswith(".expected"))
    event = json.loads((EVENTS / draw(st.sampled_from(names))).read_text())
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(_paths(event)))
        if not path:
            return draw(json_values)
        holder = event
        for key in path[:-1]:
            holder = holder[key]
        if draw(st.booleans()):
            holder[path[-1]] = draw(json_values | time_texts)
        else:
            del holder[path[-1]]
    return event


backoffs = st.builds(
    Backoff,
    base_seconds=st.floats(0, 900),
    rate=st.floats(1, 10),
    cap_seconds=st.floats(1, 42_000),
    jitter=st.floats(0, 1),
)
