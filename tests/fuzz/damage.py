"""What is drawn in place of what ought to be there."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from tests.unit.strategies import json_values, time_texts

odd_characters = st.sampled_from(
    ["\x00", "\x1b", "\x7f", "\ud800", "\udfff", "\ufffe", "\U0001f4a5", "'", '"', "\\"]
)
"""JSON can carry any of them, and half of a surrogate pair; a queue, a log or a database may not."""

odd_texts: st.SearchStrategy[str] = (
    st.text(max_size=40)
    | st.lists(odd_characters, min_size=1, max_size=4).map("".join)
    | st.sampled_from(["", "null", "[]", "{}", "0", "-1", "1e999", "NaN", "orders", "x" * 3000])
)

_odd_numbers = st.sampled_from([0, -1, 1, 2**31, 2**53 + 1, 2**63, 10**40, -(10**40), 0.5, 1e308, -0.0])

odd_values: st.SearchStrategy[Any] = json_values | odd_texts | time_texts | _odd_numbers
"""Any JSON, with the odd cases more often than by chance."""


def mostly(usual: st.SearchStrategy[Any], odd: st.SearchStrategy[Any] = odd_values) -> st.SearchStrategy[Any]:
    """The usual seven times out of eight: where everything is odd, nothing gets past the first check."""
    return st.integers(0, 7).flatmap(lambda number: odd if number == 7 else usual)


def paths(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """The paths to all values inside a JSON value, itself included."""
    inner: list[tuple[str | int, Any]] = []
    if isinstance(value, Mapping):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    return [path, *(deeper for key, item in inner for deeper in paths(item, (*path, key)))]


@st.composite
def damaged_json(draw: st.DrawFn, content: Any) -> Any:
    """A JSON value in which up to three values are replaced by anything, doubled in a list, renamed or removed."""
    content = copy.deepcopy(content)
    for _ in range(draw(st.sampled_from([1, 1, 2, 3]))):
        path = draw(st.sampled_from(paths(content)))
        if not path:
            return draw(odd_values)
        holder = content
        for key in path[:-1]:
            holder = holder[key]
        last: Any = path[-1]
        match draw(st.sampled_from(["replace", "replace", "remove", "wrap", "rename", "double"])):
            case "remove":
                del holder[last]
            case "wrap":
                holder[last] = draw(
                    st.sampled_from([[holder[last]], {"S": holder[last]}, {"": holder[last]}])
                )
            case "rename" if isinstance(holder, dict):
                holder[draw(odd_texts)] = holder.pop(last)
            case "double" if isinstance(holder, list):
                holder.append(copy.deepcopy(holder[last]))
            case _:
                holder[last] = draw(odd_values)
    return content
