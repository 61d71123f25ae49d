"""DynamoDB's condition, filter and update expressions, as far as this module's stores use them.

Anything else is an error of the test, so that it cannot silently mean something else than in DynamoDB
(docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.html).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

Item = dict[str, Any]
"""Attribute name to a typed value (`{"S": "text"}`)."""

_TOKEN = re.compile(r"\s*(<=|[=<(),]|[#:\w.]+)\s*")


class UnknownExpressionError(BaseException):
    """An expression with something in it that is not known here: no error of AWS, so nothing may handle it."""


def holds(expression: str, item: Mapping[str, Any], parameters: Mapping[str, Any]) -> bool:
    """Whether a condition or filter is true of an item."""
    reader = _Reader(expression, item, parameters)
    result = reader.disjunction()
    reader.finish()
    return result


def updated(expression: str, item: Mapping[str, Any], parameters: Mapping[str, Any]) -> Item:
    """The item after an update expression; every value is of the item as it was before."""
    reader = _Reader(expression, item, parameters)
    result = dict(item)
    while not reader.at_end:
        match reader.take():
            case "SET":
                result.update(reader.assignments())
            case "REMOVE":
                for name in reader.names():
                    result.pop(name, None)
            case "ADD":
                result.update(reader.additions())
            case other:
                raise UnknownExpressionError(f"{other} in {expression}")
    return result


class _Reader:
    def __init__(self, expression: str, item: Mapping[str, Any], parameters: Mapping[str, Any]) -> None:
        self._expression = expression
        self._item = item
        self._names = parameters.get("ExpressionAttributeNames", {})
        self._values = parameters.get("ExpressionAttributeValues", {})
        self._tokens = _TOKEN.findall(expression)
        if _TOKEN.sub("", expression):
            raise UnknownExpressionError(expression)

    @property
    def at_end(self) -> bool:
        return not self._tokens

    def take(self, expected: str | None = None) -> str:
        token = self._tokens.pop(0) if self._tokens else ""
        if expected is not None and token != expected:
            raise UnknownExpressionError(f"{token!r} instead of {expected!r} in {self._expression}")
        return str(token)

    def finish(self) -> None:
        if self._tokens:
            raise UnknownExpressionError(f"{self._tokens} left of {self._expression}")

    def disjunction(self) -> bool:
        result = self._conjunction()
        while self._takes("OR"):
            result = self._conjunction() or result
        return result

    def assignments(self) -> list[tuple[str, Any]]:
        found = []
        while True:
            name = self._name(self.take())
            self.take("=")
            found.append((name, self._operand()))
            if not self._takes(","):
                return found

    def names(self) -> list[str]:
        found = [self._name(self.take())]
        while self._takes(","):
            found.append(self._name(self.take()))
        return found

    def additions(self) -> list[tuple[str, Any]]:
        found = []
        while True:
            name = self._name(self.take())
            more = Decimal(self._operand()["N"])
            found.append((name, {"N": str(Decimal(self._item.get(name, {"N": "0"})["N"]) + more)}))
            if not self._takes(","):
                return found

    def _takes(self, token: str) -> bool:
        if self._tokens and self._tokens[0] == token:
            self._tokens.pop(0)
            return True
        return False

    def _conjunction(self) -> bool:
        result = self._negation()
        while self._takes("AND"):
            result = self._negation() and result
        return result

    def _negation(self) -> bool:
        if self._takes("NOT"):
            return not self._negation()
        if self._takes("("):
            result = self.disjunction()
            self.take(")")
            return result
        if self._takes("attribute_not_exists"):
            return self._argument() is None
        if self._takes("attribute_exists"):
            return self._argument() is not None
        if self._takes("begins_with"):
            value, prefix = self._list()
            return value is not None and str(value["S"]).startswith(prefix["S"])
        left = self._operand()
        match self.take():
            case "=":
                return _same(left, self._operand())
            case "<":
                right = self._operand()
                return left is not None and _order(left) < _order(right)
            case "<=":
                right = self._operand()
                return left is not None and _order(left) <= _order(right)
            case "BETWEEN":
                first = self._operand()
                self.take("AND")
                last = self._operand()
                return left is not None and _order(first) <= _order(left) <= _order(last)
            case "IN":
                return any(_same(left, value) for value in self._list())
            case other:
                raise UnknownExpressionError(f"{other!r} in {self._expression}")

    def _argument(self) -> Any:
        self.take("(")
        value = self._operand()
        self.take(")")
        return value

    def _list(self) -> list[Any]:
        self.take("(")
        values = [self._operand()]
        while self._takes(","):
            values.append(self._operand())
        self.take(")")
        return values

    def _operand(self) -> Any:
        match token := self.take():
            case "if_not_exists":
                present, otherwise = self._list()
                return otherwise if present is None else present
            case "list_append":
                first, second = self._list()
                return {"L": [*first["L"], *second["L"]]}
        if token.startswith(":"):
            return self._values[token]
        return self._read(token)

    def _read(self, path: str) -> Any:
        value: Any = {"M": self._item}
        for part in path.split("."):
            if value is None:
                return None
            value = value["M"].get(self._name(part))
        return value

    def _name(self, token: str) -> str:
        return str(self._names[token]) if token.startswith("#") else token


def _order(value: Any) -> Any:
    """What values of one type are ordered by."""
    return Decimal(value["N"]) if "N" in value else value["S"]


def _same(one: Any, other: Any) -> bool:
    if one is None or other is None:
        return False
    if "N" in one and "N" in other:
        return Decimal(one["N"]) == Decimal(other["N"])
    return bool(one == other)
