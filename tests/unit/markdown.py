"""Reads Markdown as GitHub shows it, as far as links and anchors go."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

FENCE = re.compile(r"^ *(```|~~~).*?^ *\1 *$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#{1,6} +(.+?) *#*$", re.MULTILINE)
EXPLICIT = re.compile(r'<a id="([^"]+)">')
LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^()\s]+)\)")


@dataclass(frozen=True)
class Document:
    """One Markdown file.

    Attributes:
        name: its path inside the repository.
        text: without blocks of code.
    """

    name: str
    text: str

    @cached_property
    def anchors(self) -> set[str]:
        """What a link to this document may have after `#`."""
        found = set(EXPLICIT.findall(self.text))
        times: dict[str, int] = {}
        for heading in HEADING.findall(self.text):
            slug = anchor(heading)
            number = times.get(slug, 0)
            times[slug] = number + 1
            found.add(f"{slug}-{number}" if number else slug)
        return found

    @property
    def links(self) -> list[str]:
        """The addresses of all links and images."""
        return LINK.findall(self.text)

    def section(self, heading: str) -> str:
        """The text from a heading up to the next one of the same level or a higher one.

        Raises:
            AssertionError: there is no such heading, or more than one.
        """
        level = len(heading) - len(heading.lstrip("#"))
        parts = re.split(rf"^{re.escape(heading)}\n", self.text, flags=re.MULTILINE)
        assert len(parts) == 2, f"{self.name} has {len(parts) - 1} headings {heading!r}"
        return re.split(rf"^#{{1,{level}}} ", parts[1], flags=re.MULTILINE)[0]


def anchor(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
    return re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")


def rows(text: str) -> Iterator[list[str]]:
    """The cells of each row of the tables in a text, without heads and rulers."""
    lines = text.splitlines()
    for number, line in enumerate(lines):
        is_head = number + 1 < len(lines) and re.fullmatch(r"\|(?: *:?-+:? *\|)+", lines[number + 1].strip())
        if line.strip().startswith("|") and not is_head and not re.fullmatch(r"[| :-]+", line.strip()):
            yield [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]


@cache
def read(name: str) -> Document:
    """A document of this repository."""
    return Document(name, FENCE.sub("", (ROOT / name).read_text(encoding="utf-8")))


def documents() -> list[Document]:
    """All documents that people read, by name."""
    patterns = (
        "*.md",
        "docs/*.md",
        "modules/*/README.md",
        "examples/*/README.md",
        "demo/README.md",
        "tests/**/README.md",
    )
    names = {str(path.relative_to(ROOT)) for pattern in patterns for path in ROOT.glob(pattern)}
    return [read(name) for name in sorted(names)]
