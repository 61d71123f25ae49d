"""A mutant: one deliberate break of the code, told as data in `breaks/*.toml`."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
BREAKS = Path(__file__).resolve().parent / "breaks"


class MutantError(Exception):
    """An entry of the list does not fit the code, or is not written as README.md says; the text says which and how."""


@dataclass(frozen=True)
class Mutant:
    """One break.

    Attributes:
        area: the file of the list that it is in.
        why: what would go wrong for somebody if it went unnoticed.
        file: the broken file, from the repository's root.
        old, new: the text that is replaced, which is there exactly once, and what takes its place.
        tests: the test files that are to notice it.
    """

    area: str
    name: str
    why: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]

    @property
    def title(self) -> str:
        return f"{self.area}: {self.name}"

    def broken(self, source: str) -> str:
        """The file's text with the break in it.

        Raises:
            MutantError: the old text is not there exactly once, or what comes out is no other program.
        """
        places = source.count(self.old)
        if places != 1:
            raise MutantError(
                f"{self.title}: its old text is {places} times in {self.file}, not once; the code has changed, so give"
                f" the entry in tests/mutants/breaks/{self.area}.toml the text as it is now"
            )
        broken = source.replace(self.old, self.new)
        try:
            same = ast.dump(ast.parse(broken)) == ast.dump(ast.parse(source))
        except SyntaxError as error:
            raise MutantError(f"{self.title}: what comes out is no Python: {error}") from error
        if same:
            raise MutantError(f"{self.title}: it changes nothing that the program does")
        return broken


def load(folder: Path = BREAKS) -> list[Mutant]:
    """All mutants, in the order of the list.

    Raises:
        MutantError: an entry lacks something or has something unknown, or two have one name.
    """
    mutants = [
        mutant
        for path in sorted(folder.glob("*.toml"))
        for mutant in _of_area(path.stem, tomllib.loads(path.read_text(encoding="utf-8")))
    ]
    titles = [mutant.title for mutant in mutants]
    for title in titles:
        if titles.count(title) > 1:
            raise MutantError(f"{title}: two entries have this name")
    return mutants


def _of_area(area: str, content: Mapping[str, Any]) -> Iterable[Mutant]:
    shared = {key: value for key, value in content.items() if key != "mutant"}
    for entry in content["mutant"]:
        fields = {**shared, **entry}
        try:
            yield Mutant(**{**fields, "area": area, "tests": tuple(fields["tests"])})
        except (KeyError, TypeError) as error:
            raise MutantError(f"{area}: {entry.get('name')}: an entry has other fields: {error!r}") from error
