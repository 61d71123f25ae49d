"""Codes that people and alarms see, each with what it means and what to do: docs/reason-codes.md is written from them."""

from __future__ import annotations

import enum
from typing import Self


class ExplainedCode(enum.StrEnum):
    """A code that is a text, short and stable, for filters and alarms.

    Members are written as `NAME = "code", "what happened", "what to do"`. Texts are Markdown, and line breaks in them mean nothing.

    Attributes:
        happened: what it says.
        to_do: what a person does then.
    """

    happened: str
    to_do: str

    def __new__(cls, code: str, happened: str = "", to_do: str = "") -> Self:
        """A member, equal to its code. `Class(code)` finds it again."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.happened = happened
        member.to_do = to_do
        return member
