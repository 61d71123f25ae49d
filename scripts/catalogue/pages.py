"""Pages of which a part is generated, and how values look on them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any


class PageError(Exception):
    """A page cannot be written; the text says which one to mend, and how."""


def with_part(path: Path, part: str, content: str) -> str:
    """The text of a page, with the part between its markers replaced.

    The markers are the lines `<!-- BEGIN part -->` and `<!-- END part -->`.

    Raises:
        PageError: they are not there, once each, in this order.
    """
    begin, end = f"<!-- BEGIN {part} -->\n", f"<!-- END {part} -->\n"
    text = path.read_text(encoding="utf-8")
    if not (text.count(begin) == text.count(end) == 1 and text.index(begin) < text.index(end)):
        raise PageError(f"{path} must have the lines {begin.strip()} and, after it, {end.strip()}, once each")
    before, rest = text.split(begin)
    after = rest.split(end)[1]
    return f"{before}{begin}{content}\n{end}{after}"


def one_line(text: str) -> str:
    """A text of the code as one line: how it is wrapped there means nothing."""
    return " ".join(text.split())


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [
        header,
        ["---"] * len(header),
        *([one_line(cell).replace("|", r"\|") for cell in row] for row in rows),
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def code(text: str) -> str:
    return f"`{text}`"


def codes(texts: Iterable[str]) -> str:
    return ", ".join(code(text) for text in texts)


def yes(value: bool) -> str:
    return "yes" if value else "no"


def as_json(value: Any) -> str:
    """A JSON file: two spaces of indentation, and a list of texts on one line."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    short = re.compile(r'\[\s+("[^"\n]*"(?:,\s+"[^"\n]*")*)\s+\]')
    return short.sub(lambda found: "[" + re.sub(r",\s+", ", ", found[1]) + "]", text) + "\n"
