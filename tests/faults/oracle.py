"""How a world ended: everything in it that lasts, and what people and machines were told."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from boto3.dynamodb.types import TypeDeserializer

from dynamodb_restore.findings.search import NOT_COMPLETE
from dynamodb_restore.restore.report import DETAIL_TYPE, FINDINGS_DETAIL_TYPE
from tests.aws.account import Account
from tests.aws.queues import Queue
from tests.faults.estate import DEAD_LETTERS, RESTORE_QUEUE, RESTORE_TABLE

_OF_ITS_RUN = frozenset(
    {
        # When, how often, by which event, and through which states it came to its last one.
        "at", "attempts", "claimed_at", "consumed_until", "covered_from", "event_id", "expires_at", "fenced_at",
        "finished_at", "give_up", "history", "leader", "lease_owner", "lease_until", "settling_since", "sync_attempts", "updated_at", "version", "watched_until",
    }
)  # fmt: skip
"""What a restore record, a claim or a report says about the run and not about its outcome."""

_IN_DOUBT = "\n  ? "
"""Before each step in the text of a report of which nobody knows who took it."""

_COUNTED_IN_DOUBT = re.compile(r"; \d+ settings? in doubt: [^;]*")
_ALL_IS_WELL = "synced; every setting that is switched on is as on the source"

_SINCE = re.compile(r"\s+since\s+\d{4}-\d\d-\d\dT[\d:]+Z(?=\s+and\s+this\s+restore)")
_RESTORED_TO = re.compile(r"^Restored to .*$", re.MULTILINE)
"""What a report says of the restore point."""

_FINISHED = re.compile(r"^Finished .*$", re.MULTILINE)
_NOT_ON_THE_BUS = re.compile(
    r"\nNote:\s+this\s+report\s+is\s+missing\s+on\s+the\s+event\s+bus:.*?\n(?=\n|\Z)", re.DOTALL
)
"""What only the notification says, of a bus that refused the report before."""


@dataclass(frozen=True)
class End:
    """How a world ended.

    Attributes:
        aws: all settings of all tables, the restore table's items, all mappings, alarms and queues.
        kept: the portable states of the source that restore records keep, for as long as the target is not ACTIVE.
        reports: on the event bus, in their order.
        notifications: subject and text, in their order, of reports.
        found: what was told, and noted, to name the source. It is looked for once, after the report, and never waited for.
        answer: what the person who called was answered last; nothing where nobody called.
    """

    aws: dict[str, Any]
    kept: dict[str, Any]
    reports: list[dict[str, Any]]
    notifications: list[tuple[str, str]]
    answer: dict[str, Any]
    found: list[Any]


def end_of(account: Account, answer: Mapping[str, Any] | None = None) -> End:
    """The end, once AWS has carried out what was begun."""
    account = account.copy()
    account.settle()
    messaging, queues = account.messaging, account.queues.queues
    items = {
        name: {key: _item(item, ours=name == RESTORE_TABLE) for key, item in table.items.items()}
        for name, table in account.items.tables.items()
    }
    noted = [item.pop("findings", None) for item in items[RESTORE_TABLE].values()]
    told = [(event["DetailType"], _lasting(json.loads(event["Detail"]))) for event in messaging.events]
    kept = {key: item.pop("settings", {}) for key, item in items[RESTORE_TABLE].items()}
    return End(
        aws={
            "tables": {name: _table(account, name) for name in account.tables.tables},
            "policies": {arn: json.loads(text) for arn, text in account.policies.documents.items()},
            "scaling": {
                kind: {" ".join(place): value for place, value in found.items()}
                for kind, found in (
                    ("targets", account.scaling.targets),
                    ("policies", account.scaling.policies),
                    ("actions", account.scaling.actions),
                )
            },
            "alarms": account.cloudwatch.metric_alarms | account.cloudwatch.composite_alarms,
            "tags of alarms": account.cloudwatch.tags,
            "mappings": _mappings(account),
            "items": items,
            "dead letters": _letters(queues[DEAD_LETTERS]),
            "restore queue": [message.body for message in queues[RESTORE_QUEUE].messages.values()],
        },
        kept=kept,
        reports=[detail for kind, detail in told if kind == DETAIL_TYPE],
        notifications=[
            (one["Subject"], _NOT_ON_THE_BUS.sub("", _FINISHED.sub("Finished", one["Message"])))
            for one in messaging.notifications
            if not one["Message"].startswith("TO DO")
        ],
        answer=_lasting(dict(answer or {})),
        found=[
            *(detail["findings"] for kind, detail in told if kind == FINDINGS_DETAIL_TYPE),
            *(findings for findings in noted if findings is not None),
        ],
    )


def ended_otherwise(expected: End, found: End) -> Iterator[str]:
    """Where what lasts differs."""
    yield from differences(expected.aws, found.aws)
    for key, kept in expected.kept.items():
        # A delivery that finds the target UPDATING by the work of an earlier one keeps states too.
        if kept and key in found.kept:
            yield from differences(kept, found.kept[key], f"{key}/settings")


def told_otherwise(expected: End, found: End) -> Iterator[str]:
    """Where reports and notifications differ: at least one of each where there was one, and all the same."""
    for kind, wanted, got in (
        ("report", expected.reports, found.reports),
        ("notification", expected.notifications, found.notifications),
    ):
        if wanted and not got:
            yield f"no {kind} came"
        for number, one in enumerate(got, 1):
            if not wanted:
                yield f"{kind} {number} should not have come: {_short(one)}"
            elif isinstance(one, tuple) and _IN_DOUBT in one[1]:
                # The report has the same, and is compared.
                yield from differences(expected.notifications[-1][0], one[0], f"{kind} {number}")
            else:
                yield from differences(wanted[-1], one, f"{kind} {number}")
    for one in found.found:
        # A search that was not answered in time says so, and has less.
        if all(finding["name"] != NOT_COMPLETE for finding in one):
            yield from differences(expected.found[-1] if expected.found else [], one, "what was found")


def as_seen(expected: End, found: End) -> tuple[End, End]:
    """Two ends to compare, where AWS was perhaps not asked while it restored the table.

    It tells the restore point of a restore to "the latest", and what the table is made of, only then. Whoever could not read or
    note that in time knows no better later: then neither end has it, and a replay begins at the earliest that it can be.
    """
    if _tells_restore_point(found) or not _tells_restore_point(expected):
        return expected, found
    return _without_restore_point(expected), _without_restore_point(found)


def begins_too_late(expected: End, found: End) -> Iterator[str]:
    """Claims whose window begins later than it is to begin: what was written before that is lost."""
    wanted, got = (end.aws["items"].get(RESTORE_TABLE, {}) for end in (expected, found))
    for key in wanted.keys() & got.keys():
        if got[key].get("window_start", "") > wanted[key].get("window_start", "z"):
            yield f"{key}: the window begins at {got[key]['window_start']}, not {wanted[key]['window_start']}"


def _tells_restore_point(end: End) -> bool:
    items = end.aws["items"].get(RESTORE_TABLE, {}).values()
    return any("restore_point" in item for item in items if item["sk"].startswith("restore#"))


def _without_restore_point(end: End) -> End:
    return End(
        aws=_unseen(end.aws),
        kept=end.kept,
        reports=_unseen(end.reports),
        notifications=[
            (subject, " ".join(_RESTORED_TO.sub("", text).replace("Note:", "").split()))
            for subject, text in _unseen(end.notifications)
        ],
        answer=_unseen(end.answer),
        found=end.found,
    )


def _unseen(value: Any) -> Any:
    if isinstance(value, dict):
        dropped = ("origin", "restore_point", "window_start")
        return {key: _unseen(each) for key, each in value.items() if key not in dropped}
    if isinstance(value, list | tuple):
        return type(value)(_unseen(each) for each in value)
    return _SINCE.sub("", value) if isinstance(value, str) else value


def differences(expected: Any, found: Any, path: str = "") -> Iterator[str]:
    """Where two values differ, a line each."""
    if isinstance(expected, Mapping) and isinstance(found, Mapping):
        for key in sorted(expected.keys() | found.keys()):
            if key not in found:
                yield f"{path}/{key} is missing: {_short(expected[key])}"
            elif key not in expected:
                yield f"{path}/{key} should not be there: {_short(found[key])}"
            else:
                yield from differences(expected[key], found[key], f"{path}/{key}")
    elif isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        for index, (one, other) in enumerate(zip(expected, found, strict=True)):
            yield from differences(one, other, f"{path}/{index}")
    elif expected != found:
        yield f"{path} is {_short(found)}, not {_short(expected)}"


def _short(value: Any) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 300 else f"{text[:300]}…"


def _table(account: Account, name: str) -> dict[str, Any]:
    table = account.tables.tables[name]
    return {
        "description": table.description,
        "tags": table.tags,
        "ttl": table.ttl,
        "recovery_days": table.recovery_days,
        "insights": table.insights,
        "kinesis": account.kinesis.destinations.get(name, []),
    }


def _mappings(account: Account) -> dict[str, Any]:
    """By stream and function; one more of the same is told by its number."""
    found: dict[str, Any] = {}
    for mapping in account.mappings.mappings:
        name = f"{mapping['EventSourceArn']} {mapping['FunctionArn']}"
        while name in found:
            name = f"{name} again"
        shown = {key: value for key, value in mapping.items() if key not in ("UUID", "EventSourceMappingArn")}
        found[name] = {**shown, "Tags": account.mappings.tags[mapping["EventSourceMappingArn"]]}
    return found


def _item(item: Mapping[str, Any], *, ours: bool) -> dict[str, Any]:
    values = {name: TypeDeserializer().deserialize(value) for name, value in item.items()}
    return _lasting(values) if ours else values


def _lasting(value: Any) -> Any:
    if isinstance(value, dict):
        value = _as_if_all_were_answered(value)
        return {key: _lasting(item) for key, item in value.items() if key not in _OF_ITS_RUN}
    if isinstance(value, list):
        return [_lasting(item) for item in value]
    return value


def _as_if_all_were_answered(value: dict[str, Any]) -> dict[str, Any]:
    """A record or an outcome with what is in doubt counted as done: here nobody but the functions has changed a table.

    Without a fault nothing is in doubt, and with one there has to be said no more than that.
    """
    if "plan" in value and "done" in value:
        plan, done = value.pop("plan"), value.pop("done")
        noted = {name: sorted({*plan.get(name, ()), *done.get(name, ())}) for name in {**plan, **done}}
        return {**value, "steps": noted}
    if "summary" in value:
        summary = _COUNTED_IN_DOUBT.sub("", value["summary"])
        notes = [
            note.replace(" may have been switched on: ", " was switched on: ") for note in value["notes"]
        ]
        return {**value, "summary": _ALL_IS_WELL if summary == "synced" else summary, "notes": notes}
    if "in_doubt" not in value or value["status"] == "failed":
        return value
    steps = sorted([*value["done"], *value["in_doubt"]])
    status = "applied" if steps and value["status"] == "unchanged" else value["status"]
    return {**value, "status": status, "done": steps, "in_doubt": []}


def _letters(queue: Queue) -> list[dict[str, str]]:
    """What lies on the dead-letter queue; a letter that was sent twice counts once."""
    letters = [_lasting({**letter.texts, "body": letter.body}) for letter in queue.messages.values()]
    return [letter for number, letter in enumerate(letters) if letter not in letters[:number]]
