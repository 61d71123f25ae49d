"""Whether a text names a table, and not another one whose name has this one's in it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from dynamodb_restore.findings.finding import TableId
from dynamodb_restore.settings.names import NAME_CHARACTER

_BETWEEN: Final = re.compile(r"[,;|\n]")
"""What stands between the values of a list. Spaces do not: they are between the words of a sentence, too."""

_ASSIGNED: Final = re.compile(r"[\w.-]+\s*=\s*(.*)", re.DOTALL)

_REGION: Final = re.compile(r"[a-z]{2}(?:-[a-z]+)+-\d+")

_VALUE: Final = r"{name}|\{{%\s*(?P<quote>['\"]){name}(?P=quote)\s*%\}}"
"""`orders`, or `{% 'orders' %}`, which is the same in JSONata (docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html)."""

_FIELD_OF_AN_EXPRESSION: Final = r"(?i:table)\w*['\"]?\s*:\s*(?P<quote>['\"]){name}(?P=quote)"
"""`'TableName': 'orders'` inside of an expression."""

IN_VALUE: Final = """
    the table's ARN anywhere in it, also with an index, a stream or `*` for the region or account; its name as the
    whole value, as a value of a list (`,`, `;`, `|` or a line each) or behind a `=` there, as a text in JSON, or as a
    part of a URL about DynamoDB (`dynamodb` or `ddb` in its scheme or host)
"""
"""What `Naming.in_value` takes for a name, for the documentation."""


@dataclass(frozen=True)
class Naming:
    """How texts in the source's region, and in the account of the deployment, name one table.

    Attributes:
        by_name: whether the name alone means this table. Else only its ARN does.
    """

    table: TableId
    by_name: bool = True

    def in_value(self, text: str) -> bool:
        """Whether a value names the table: `IN_VALUE` says what counts.

        A name inside a sentence, or as a part of another name or path, does not.
        """
        text = text.strip()
        if self._arn.search(text):
            return True
        if not self.by_name:
            return False
        if text[:1] in ("{", "[", '"') and (parsed := _parsed(text)) is not None:
            return any(self.in_value(inside) for inside in _texts(parsed))
        return any(self._is_named_by(value.strip()) for value in _BETWEEN.split(text))

    def in_definition(self, text: str) -> bool:
        """Whether the definition of a state machine names the table.

        That is its ARN anywhere; its name as the value of a field whose own name has `table` in it (`TableName`), also in a JSONata
        expression; and its name as a key of `RequestItems`, as batches have it
        (docs.aws.amazon.com/step-functions/latest/dg/connect-ddb.html). States have names as well: one that is called like the
        table names none.
        """
        if self._arn.search(text):
            return True
        parsed = _parsed(text)
        return parsed is not None and any(self._is_named_in(key, value) for key, value in _fields(parsed))

    @cached_property
    def _arn(self) -> re.Pattern[str]:
        table = self.table
        region, account, name = map(re.escape, (table.region, table.account, table.name))
        # A `*` behind the name makes a pattern, which is about all tables whose names begin so.
        return re.compile(
            rf"(?<!{NAME_CHARACTER})arn:{re.escape(table.partition)}:dynamodb:(?:{region}|\*):(?:{account}|\*):"
            rf"table/{name}(?!{NAME_CHARACTER}|[*?])"
        )

    def _is_named_by(self, value: str) -> bool:
        """Whether a value of a list is the name, with or without `something =` before it, or a URL with the name in it."""
        if assigned := _ASSIGNED.fullmatch(value):
            value = assigned[1]
        return value == self.table.name or ("://" in value and self._is_named_by_url(value))

    def _is_named_by_url(self, value: str) -> bool:
        """`/orders` is a table only in a URL that is about DynamoDB, and this one only in its own region."""
        try:
            url = urlsplit(value)
        except ValueError:
            return False
        place = f"{url.scheme} {url.netloc}".lower()
        if "dynamodb" not in place and "ddb" not in place:
            return False
        regions = _REGION.findall(value)
        if regions and self.table.region not in regions:
            return False
        return self.table.name in (
            url.netloc,
            *url.path.split("/"),
            *(value for _, value in parse_qsl(url.query)),
        )

    def _is_named_in(self, field: str, value: Any) -> bool:
        """Whether a field of a definition names the table by its name."""
        if not self.by_name:
            return False
        if field == "RequestItems" and isinstance(value, dict):
            return self.table.name in value
        if not isinstance(value, str):
            return False
        name = re.escape(self.table.name)
        if "table" in field.lower() and re.fullmatch(_VALUE.format(name=name), value):
            return True
        return re.search(_FIELD_OF_AN_EXPRESSION.format(name=name), value) is not None


def naming_of(source: TableId, target: TableId) -> tuple[Naming, Naming]:
    """How things beside the source name it, and how they name the target.

    A name alone means a table of the reader's own account and region. A target of the source's name in another region is so named
    by its ARN alone.
    """
    return (
        Naming(source, by_name=source.account == target.account),
        Naming(target, by_name=target.name != source.name),
    )


def spelled(source: TableId, target: TableId) -> tuple[str, str]:
    """Source and target as an advice names them to who is in the source's region and in the account of the deployment: by name, or by
    ARN where the name means another table there."""
    place = (source.region, target.account)
    old, new = (each.name if (each.region, each.account) == place else each.arn for each in (source, target))
    return old, new


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _texts(value: Any) -> Iterator[str]:
    """All texts inside a JSON value, without the names of its fields."""
    if isinstance(value, str):
        yield value
    for inside in _members(value):
        if isinstance(inside, str):
            yield inside


def _fields(value: Any) -> Iterator[tuple[str, Any]]:
    """All fields of all objects inside a JSON value."""
    for inside in (value, *_members(value)):
        if isinstance(inside, dict):
            yield from inside.items()


def _members(value: Any) -> Iterator[Any]:
    """All values inside a JSON value, at any depth: JSON may be nested deeper than Python calls functions."""
    left = [value]
    while left:
        outer = left.pop()
        inner = outer.values() if isinstance(outer, dict) else outer if isinstance(outer, list) else ()
        yield from inner
        left.extend(inner)
