"""DynamoDB's condition, key, filter and update expressions (docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.html).

A text is parsed once and kept. What AWS refuses, for its placeholders or its values, is an `InvalidExpressionError`; a text
that this reader does not know is an error of the test, so that it cannot silently mean something else than in DynamoDB.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple

from tests.aws.attributes import Item, number, number_text, same

_TOKEN = re.compile(r"\s*(<=|>=|<>|[=<>(),.+\-\[\]]|[#:]?\w+)\s*")
_LONGEST = 4096
_MOST_OPERATORS = 300
_MOST_IN_LIST = 100
"""docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html#limits-expression-parameters"""

_COMPARED: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": lambda one, other: bool(one < other),
    "<=": lambda one, other: bool(one <= other),
    ">": lambda one, other: bool(one > other),
    ">=": lambda one, other: bool(one >= other),
}
_ORDERED: Mapping[str, Callable[[Any], Any]] = {"N": number, "S": str.encode, "B": bytes}
"""By type: what two values are compared as."""

_SETS = ("SS", "NS", "BS")


class UnknownExpressionError(BaseException):
    """An expression with something in it that is not known here: no error of AWS, so nothing may handle it."""


class InvalidExpressionError(Exception):
    """AWS refuses the request; the text is its message."""


class Scope(NamedTuple):
    """What an expression is evaluated on."""

    item: Mapping[str, Any]
    names: Mapping[Any, str]
    values: Mapping[str, Any]


Operand = Callable[[Scope], Any]
"""A typed value, or None for an attribute that is not there."""

Test = Callable[[Scope], bool]


@dataclass(frozen=True)
class _Path:
    """A document path: names, placeholders of names, and places in lists."""

    parts: tuple[str | int, ...]

    def resolved(self, scope: Scope) -> tuple[str | int, ...]:
        names = scope.names
        return tuple([names.get(part, part) for part in self.parts])

    def __call__(self, scope: Scope) -> Any:
        value: Any = {"M": scope.item}
        for part in self.resolved(scope):
            if value is None:
                return None
            if isinstance(part, int):
                elements = value.get("L", ())
                value = elements[part] if part < len(elements) else None
            else:
                value = value.get("M", {}).get(part)
        return value


_Clause = tuple[str, _Path, Operand | None]
"""`SET`, `REMOVE`, `ADD` or `DELETE`; of what; and with which value."""


@dataclass(frozen=True)
class Expression:
    """What is common to both kinds.

    Attributes:
        names, values: the placeholders in it.
    """

    text: str
    names: frozenset[str]
    values: frozenset[str]


@dataclass(frozen=True)
class Condition(Expression):
    """A condition, key condition or filter."""

    test: Test

    def holds(self, item: Mapping[str, Any], parameters: Mapping[str, Any]) -> bool:
        return self.test(_scope(item, parameters))


@dataclass(frozen=True)
class Update(Expression):
    """An update expression."""

    clauses: Sequence[_Clause]

    def applied(self, item: Item, parameters: Mapping[str, Any]) -> Item:
        """The item afterwards; every value is of the item as it was before.

        Raises:
            InvalidExpressionError: as AWS refuses it.
        """
        scope = _scope(item, parameters)
        changes = [
            (action, path.resolved(scope), operand(scope) if operand else None)
            for action, path, operand in self.clauses
        ]
        _check_overlaps([path for _, path, _ in changes])
        # Removals come last, those of a list from its end to its beginning: so that each place is the one that was meant.
        if any(action == "REMOVE" for action, *_ in changes):
            changes.sort(key=lambda change: (change[0] == "REMOVE", [-place for place in _places(change[1])]))
        result = dict(item)
        for action, path, value in changes:
            if action == "SET" and len(path) == 1:
                # Most are just that.
                result[str(path[0])] = _existing(value)
            else:
                _carry_out(action, result, path, value)
        return result

    def touches(self, parameters: Mapping[str, Any]) -> set[str]:
        """The attributes that it changes, by name."""
        scope = _scope({}, parameters)
        return {str(path.resolved(scope)[0]) for _, path, _ in self.clauses}


@lru_cache(maxsize=1024)
def condition(text: str) -> Condition:
    """Read a condition, key condition or filter."""
    reader = _Reader(text)
    test = reader.disjunction()
    reader.finish()
    return Condition(text, frozenset(reader.names), frozenset(reader.values), test)


@lru_cache(maxsize=1024)
def update(text: str) -> Update:
    """Read an update expression."""
    reader = _Reader(text)
    clauses = reader.clauses()
    reader.finish()
    return Update(text, frozenset(reader.names), frozenset(reader.values), clauses)


def check_placeholders(
    parameters: Mapping[str, Any], conditions: tuple[str, ...], updates: tuple[str, ...] = ()
) -> None:
    """Each placeholder that is used is defined, and each that is defined is used.

    Raises:
        InvalidExpressionError: as AWS refuses it.
    """
    for kind, used in _placeholders(conditions, updates):
        given = parameters.get(f"ExpressionAttribute{kind}s", {}).keys()
        if used == given:
            continue
        if missing := sorted(used - given):
            raise InvalidExpressionError(
                f"Invalid expression: An expression attribute {kind.lower()} used in the document path is not defined;"
                f" attribute {kind.lower()}: {missing[0]}"
            )
        raise InvalidExpressionError(
            f"Value provided in ExpressionAttribute{kind}s unused in expressions:"
            f" keys: {{{', '.join(sorted(given - used))}}}"
        )


@lru_cache(maxsize=1024)
def _placeholders(
    conditions: tuple[str, ...], updates: tuple[str, ...]
) -> tuple[tuple[str, frozenset[str]], ...]:
    read: list[Expression] = [*map(condition, conditions), *map(update, updates)]
    return (
        ("Name", frozenset[str]().union(*[one.names for one in read])),
        ("Value", frozenset[str]().union(*[one.values for one in read])),
    )


def _scope(item: Mapping[str, Any], parameters: Mapping[str, Any]) -> Scope:
    return Scope(
        item,
        parameters.get("ExpressionAttributeNames", {}),
        parameters.get("ExpressionAttributeValues", {}),
    )


class _Reader:
    """Reads one text from its beginning to its end."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens: list[str] = _TOKEN.findall(text)[::-1]
        self._words = [token.upper() for token in self._tokens]
        self._operators = 0
        self.names: set[str] = set()
        self.values: set[str] = set()
        if _TOKEN.sub("", text):
            raise UnknownExpressionError(text)
        if len(text.encode()) > _LONGEST:
            raise InvalidExpressionError(
                "Invalid expression: Expression size has exceeded the maximum allowed size"
            )

    def finish(self) -> None:
        if self._tokens:
            raise UnknownExpressionError(f"{self._tokens[::-1]} left of {self._text}")
        if self._operators > _MOST_OPERATORS:
            raise InvalidExpressionError(
                f"Invalid expression: The expression contains more than {_MOST_OPERATORS} operators"
            )

    def _take(self, expected: str | None = None) -> str:
        token = self._tokens.pop() if self._tokens else ""
        if not token or expected not in (None, self._words.pop()):
            raise UnknownExpressionError(f"{token!r} instead of {expected!r} in {self._text}")
        return token

    def _takes(self, *words: str) -> str | None:
        """The next token, if it is one of these words, in capitals."""
        if self._words and self._words[-1] in words:
            self._tokens.pop()
            return self._words.pop()
        return None

    def _operator(self) -> None:
        self._operators += 1

    # Conditions

    def disjunction(self) -> Test:
        tests = [self._conjunction()]
        while self._takes("OR"):
            self._operator()
            tests.append(self._conjunction())
        if len(tests) == 2:
            # As those of a store's progress are, by the dozen.
            first, second = tests
            return lambda scope: first(scope) or second(scope)
        return tests[0] if len(tests) == 1 else lambda scope: any(test(scope) for test in tests)

    def _conjunction(self) -> Test:
        tests = [self._negation()]
        while self._takes("AND"):
            self._operator()
            tests.append(self._negation())
        return tests[0] if len(tests) == 1 else lambda scope: all(test(scope) for test in tests)

    def _negation(self) -> Test:
        if self._takes("NOT"):
            self._operator()
            negated = self._negation()
            return lambda scope: not negated(scope)
        if self._takes("("):
            test = self.disjunction()
            self._take(")")
            return test
        self._operator()
        return self._function() or self._comparison()

    def _function(self) -> Test | None:
        name = self._takes(
            "ATTRIBUTE_EXISTS", "ATTRIBUTE_NOT_EXISTS", "ATTRIBUTE_TYPE", "BEGINS_WITH", "CONTAINS"
        )
        if name is None:
            return None
        operands = self._arguments()
        first = operands[0]
        match name, len(operands):
            case "ATTRIBUTE_EXISTS", 1:
                return lambda scope: first(scope) is not None
            case "ATTRIBUTE_NOT_EXISTS", 1:
                return lambda scope: first(scope) is None
            case "ATTRIBUTE_TYPE", 2:
                return lambda scope: operands[1](scope)["S"] in (first(scope) or ())
            case "BEGINS_WITH", 2:
                return lambda scope: _begins_with(first(scope), operands[1](scope))
            case "CONTAINS", 2:
                return lambda scope: _contains(first(scope), operands[1](scope))
        raise UnknownExpressionError(f"{name} of {len(operands)} in {self._text}")

    def _comparison(self) -> Test:
        left = self._operand()
        match token := self._take().upper():
            case "=":
                right = self._operand()
                return lambda scope: same(left(scope), right(scope))
            case "<>":
                right = self._operand()
                return lambda scope: left(scope) is not None and not same(left(scope), right(scope))
            case "BETWEEN":
                low = self._operand()
                self._take("AND")
                high = self._operand()
                return lambda scope: (
                    _in_order(low(scope), "<=", left(scope)) and _in_order(left(scope), "<=", high(scope))
                )
            case "IN":
                choices = self._arguments()
                if len(choices) > _MOST_IN_LIST:
                    raise InvalidExpressionError(
                        "Invalid expression: The IN operator has more than 100 operands"
                    )
                return lambda scope: any(same(left(scope), choice(scope)) for choice in choices)
        if token not in _COMPARED:
            raise UnknownExpressionError(f"{token!r} in {self._text}")
        right = self._operand()
        return lambda scope: _in_order(left(scope), token, right(scope))

    # Updates

    def clauses(self) -> list[_Clause]:
        clauses: list[_Clause] = []
        actions: set[str] = set()
        while action := self._takes("SET", "REMOVE", "ADD", "DELETE"):
            if action in actions:
                raise InvalidExpressionError(
                    f'Invalid UpdateExpression: The "{action}" section can only be used once in an update expression'
                )
            actions.add(action)
            clauses.append(self._clause(action))
            while self._takes(","):
                clauses.append(self._clause(action))
        return clauses

    def _clause(self, action: str) -> _Clause:
        path = self._path(self._take())
        if action == "REMOVE":
            return action, path, None
        if action != "SET":
            return action, path, self._operand()
        self._take("=")
        value = self._operand()
        while sign := self._takes("+", "-"):
            self._operator()
            value = _sum(value, sign, self._operand())
        return action, path, value

    # Operands

    def _arguments(self) -> list[Operand]:
        self._take("(")
        operands = [self._operand()]
        while self._takes(","):
            operands.append(self._operand())
        self._take(")")
        return operands

    def _operand(self) -> Operand:
        token = self._take()
        match token.upper():
            case "IF_NOT_EXISTS":
                self._operator()
                present, otherwise = self._arguments()
                return lambda scope: otherwise(scope) if present(scope) is None else present(scope)
            case "LIST_APPEND":
                self._operator()
                first, second = self._arguments()
                return lambda scope: {"L": [*_existing(first(scope))["L"], *_existing(second(scope))["L"]]}
            case "SIZE":
                self._operator()
                (of,) = self._arguments()
                return lambda scope: _size(of(scope))
        if token.startswith(":"):
            self.values.add(token)
            return lambda scope: scope.values[token]
        path = self._path(token)
        if len(path.parts) > 1:
            return path
        # Most are just a name.
        return lambda scope: scope.item.get(scope.names.get(token, token))

    def _path(self, token: str) -> _Path:
        parts: list[str | int] = [self._name(token)]
        while more := self._takes(".", "["):
            if more == ".":
                parts.append(self._name(self._take()))
            else:
                parts.append(int(self._take()))
                self._take("]")
        return _Path(tuple(parts))

    def _name(self, token: str) -> str:
        if not re.fullmatch(r"#?\w+", token):
            raise UnknownExpressionError(f"{token!r} in {self._text}")
        if token.startswith("#"):
            self.names.add(token)
        return token


# Values


def _in_order(one: Any, relation: str, other: Any) -> bool:
    """Whether two numbers, texts or binary values are in this order; values of other or two types never are."""
    if one is None or other is None or one.keys() != other.keys():
        return False
    ((kind, value),) = one.items()
    if kind not in _ORDERED:
        return False
    convert = _ORDERED[kind]
    return _COMPARED[relation](convert(value), convert(other[kind]))


def _begins_with(value: Any, beginning: Any) -> bool:
    if value is None or value.keys() != beginning.keys():
        return False
    return any(kind in ("S", "B") and content.startswith(beginning[kind]) for kind, content in value.items())


def _contains(value: Any, operand: Any) -> bool:
    if value is None or operand is None:
        return False
    ((kind, content),) = value.items()
    if kind in ("S", "B"):
        return kind in operand and operand[kind] in content
    if kind == "L":
        return any(same(one, operand) for one in content)
    return kind in _SETS and any(same({kind[0]: one}, operand) for one in content)


def _size(value: Any) -> Any:
    if value is None:
        return None
    ((_, content),) = value.items()
    return {"N": str(len(content))}


def _sum(left: Operand, sign: str, right: Operand) -> Operand:
    def total(scope: Scope) -> Any:
        one, other = _existing(left(scope)), _existing(right(scope))
        if "N" not in one or "N" not in other:
            raise InvalidExpressionError("An operand in the update expression has an incorrect data type")
        more = Decimal(other["N"]) if sign == "+" else -Decimal(other["N"])
        return {"N": number_text(Decimal(one["N"]) + more)}

    return total


def _existing(value: Any) -> Any:
    if value is None:
        raise InvalidExpressionError(
            "The provided expression refers to an attribute that does not exist in the item"
        )
    return value


def _added(present: Any, more: Any) -> Any:
    ((kind, content),) = more.items()
    if present is not None and kind not in present:
        raise InvalidExpressionError("An operand in the update expression has an incorrect data type")
    if kind == "N":
        return {"N": number_text(Decimal((present or {"N": "0"})["N"]) + Decimal(content))}
    if kind not in _SETS:
        raise InvalidExpressionError("Incorrect operand type for operator or function; operator: ADD")
    old = (present or {kind: []})[kind]
    return {kind: [*old, *(one for one in content if not _contains({kind: old}, {kind[0]: one}))]}


# Places in items: nothing is changed in place


def _check_overlaps(paths: Sequence[tuple[str | int, ...]]) -> None:
    distinct = set(paths)
    nested = [path for path in paths if len(path) > 1]
    clash = len(distinct) != len(paths) or any(
        path[:length] in distinct for path in nested for length in range(1, len(path))
    )
    if clash:
        raise InvalidExpressionError(
            "Invalid UpdateExpression: Two document paths overlap with each other; must remove or rewrite one of these paths"
        )


def _places(path: tuple[str | int, ...]) -> tuple[int, ...]:
    return tuple(part for part in path if isinstance(part, int))


def _at(value: Any, path: Sequence[str | int]) -> Any:
    for part in path:
        if value is None:
            return None
        if isinstance(part, int):
            value = value["L"][part] if part < len(value.get("L", ())) else None
        else:
            value = value.get("M", {}).get(part)
    return value


def _carry_out(action: str, item: Item, path: Sequence[str | int], value: Any) -> None:
    """Carry out one clause on an item whose attributes may be replaced, but not changed in place."""
    name, rest = str(path[0]), path[1:]
    present = _at(item.get(name), rest)
    match action:
        case "SET":
            made = _existing(value)
        case "ADD":
            made = _added(present, value)
        case "DELETE":
            made = _fewer(present, value)
        case _:
            made = None
    if made is not None:
        item[name] = _with(item.get(name), rest, made)
    elif not rest:
        item.pop(name, None)
    elif present is not None:
        item[name] = _without(item[name], rest)


def _with(value: Any, path: Sequence[str | int], new: Any) -> Any:
    if not path:
        return new
    part, rest = path[0], path[1:]
    kind = "L" if isinstance(part, int) else "M"
    if value is None or kind not in value:
        raise InvalidExpressionError(
            "The document path provided in the update expression is invalid for update"
        )
    inner = _with(_at(value, [part]), rest, new)
    if isinstance(part, int):
        elements = value["L"]
        return {"L": [*elements[:part], inner, *elements[part + 1 :]]}
    return {"M": {**value["M"], part: inner}}


def _without(value: Any, path: Sequence[str | int]) -> Any:
    part, rest = path[0], path[1:]
    if rest:
        return _with(value, [part], _without(_at(value, [part]), rest))
    if isinstance(part, int):
        return {"L": [one for place, one in enumerate(value["L"]) if place != part]}
    return {"M": {name: one for name, one in value["M"].items() if name != part}}


def _fewer(present: Any, fewer: Any) -> Any:
    """A set without some elements; None where nothing is left, or nothing was there."""
    ((kind, content),) = fewer.items()
    if kind not in _SETS or (present is not None and kind not in present):
        raise InvalidExpressionError("Incorrect operand type for operator or function; operator: DELETE")
    left = [one for one in (present or {kind: []})[kind] if not _contains({kind: content}, {kind[0]: one})]
    return {kind: left} if left else None
