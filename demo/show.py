"""How the demo looks: steps, notes and one table, for a plain terminal of 100 columns."""

from __future__ import annotations

import io
import json
import os
import sys
import textwrap
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

WIDTH = 100
SETTING_WIDTH = 13
COLUMN_WIDTH = 24

BOLD, DIM, GREEN, RED, CYAN = "1", "2", "32", "31", "36"


def _styled(text: str, *styles: str) -> str:
    plain = not sys.stdout.isatty() or "NO_COLOR" in os.environ
    return text if plain else f"\033[{';'.join(styles)}m{text}\033[0m"


@dataclass
class Show:
    """Prints the story as it happens, each line with its time."""

    started: float = field(default_factory=time.monotonic)
    _steps: int = 0

    def title(self, text: str, below: str) -> None:
        # A terminal that lacks a letter gets a question mark, not a stack trace.
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="replace")
        print(_styled(text, BOLD))
        print(textwrap.fill(below, WIDTH))

    def act(self, text: str) -> None:
        """Several chapters under one heading."""
        print(f"\n{_styled(f'{text} '.ljust(WIDTH, '='), BOLD)}")

    def step(self, text: str, why: str) -> None:
        """A new chapter: what happens, and why it matters."""
        self._steps += 1
        print(f"\n{_styled(f'{self._steps}. {text}', BOLD, CYAN)}")
        print(textwrap.fill(why, WIDTH, initial_indent="   ", subsequent_indent="   "))

    def note(self, text: str, *, good: bool | None = None) -> None:
        """One thing that has just happened."""
        elapsed = time.monotonic() - self.started
        styles = {None: (), True: (GREEN,), False: (RED, BOLD)}[good]
        lines = textwrap.wrap(text, WIDTH - 11, break_long_words=False, break_on_hyphens=False)
        for number, line in enumerate(lines):
            clock = f"{elapsed:6.1f} s" if number == 0 else " " * 8
            print(f"{_styled(clock, DIM)}   {_styled(line, *styles) if styles else line}", flush=True)

    def quote(self, text: str) -> None:
        """Somebody else's text, as it is."""
        for line in text.splitlines():
            print(f"   {_styled('|', DIM)} {line}".rstrip())

    def verdict(self, text: str, *, good: bool) -> None:
        print(f"\n{_styled(text, BOLD, GREEN if good else RED)}", flush=True)

    def compare(
        self, titles: Sequence[str], rows: Mapping[str, Sequence[list[str]]], same: Mapping[str, bool]
    ) -> None:
        """Three readings side by side; `same` says of each row whether the first equals the last."""
        print()
        print(_styled(_line("", *titles, "").rstrip(), BOLD))
        rule = _line("-" * SETTING_WIDTH, *(["-" * COLUMN_WIDTH] * len(titles)), "-------")
        print(rule)
        for name, cells in rows.items():
            columns = [[name.replace("_", " ")], *cells]
            wrapped = [
                [piece for line in lines for piece in _wrapped(line, width)]
                for lines, width in zip(columns, [SETTING_WIDTH, *[COLUMN_WIDTH] * len(cells)], strict=True)
            ]
            for number in range(max(len(lines) for lines in wrapped)):
                texts = [lines[number] if number < len(lines) else "" for lines in wrapped]
                mark = ("same" if same[name] else "DIFFERS") if number == 0 else ""
                styled = _styled(mark, GREEN if same[name] else RED) if mark else ""
                print(f"{_line(*texts, '')}{styled}".rstrip())
            print(rule)


def _line(setting: str, *texts: str) -> str:
    *columns, mark = texts
    return "  ".join([setting.ljust(SETTING_WIDTH), *(text.ljust(COLUMN_WIDTH) for text in columns), mark])


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, subsequent_indent="  ", break_on_hyphens=True) or [""]


# --- settings as a person reads them ---


def cells(settings: Mapping[str, Any]) -> dict[str, list[str]]:
    """What `tests.local_aws.compare.read_settings` read, as lines for each setting."""
    days, stream, attribute = settings["point_in_time_recovery"], settings["stream"], settings["ttl"]
    readable: dict[str, list[str]] = {
        "tags": [f"{key}={value}" for key, value in sorted(settings["tags"].items())],
        "ttl": [f"by {attribute}"] if attribute else [],
        "stream": [stream] if stream else [],
        "stream_triggers": [line for trigger in settings["stream_triggers"] for line in _trigger(trigger)],
        "kinesis_destination": [
            line
            for stream_arn, precision in settings["kinesis_destination"]
            for line in (stream_arn.rpartition("/")[2], f"  times in {precision}")
        ],
        "point_in_time_recovery": [f"on, {days} days"] if days else [],
        "auto_scaling": [
            line for place, kinds in settings["auto_scaling"].items() for line in _scaling(place, kinds)
        ],
        "deletion_protection": ["on"] if settings["deletion_protection"] else [],
        "table_class": [_words(settings["table_class"])] if settings["table_class"] else [],
        "on_demand_throughput": [
            f"{place}: {_words(name)} {units}"
            for place, limits in settings["on_demand_throughput"].items()
            for name, units in limits.items()
        ],
        "warm_throughput": [
            f"{place}: {read} reads, {write} writes"
            for place, (read, write) in settings["warm_throughput"].items()
        ],
        "contributor_insights": [
            line
            for place, mode in settings["contributor_insights"].items()
            for line in (place, f"  {_words(mode or 'on')}")
        ],
        "cloudwatch_alarms": [
            alarm["AlarmName"].replace("{table}", "(its name)") for alarm in settings["cloudwatch_alarms"]
        ],
        "replicas": list(settings["replicas"]),
        "resource_policy": [
            f"{place}: {statement['Sid']}"
            for place, policy in settings["resource_policy"].items()
            for statement in policy["Statement"]
        ],
    }
    plain = {name: [json.dumps(value)] if value else [] for name, value in settings.items()}
    return {name: lines or ["-"] for name, lines in {**plain, **readable}.items()}


def _words(constant: str) -> str:
    """`THROTTLED_KEYS` as a person says it."""
    return constant.replace("_", " ").lower()


def _trigger(trigger: Mapping[str, Any]) -> list[str]:
    lines = [
        trigger["FunctionArn"].rpartition(":function:")[2],
        f"  {'enabled' if trigger['Enabled'] else 'disabled'}, batch {trigger['BatchSize']}",
    ]
    retries = trigger["MaximumRetryAttempts"]
    lines.append(f"  retries: {'no limit' if retries == -1 else retries}")
    if trigger["TumblingWindowInSeconds"]:
        lines.append(f"  window {trigger['TumblingWindowInSeconds']} s")
    if trigger["ParallelizationFactor"] > 1:
        lines.append(f"  {trigger['ParallelizationFactor']} batches a shard")
    if trigger.get("FilterCriteria"):
        lines.append(f"  {len(trigger['FilterCriteria']['Filters'])} filter")
    if destination := trigger["DestinationConfig"]["OnFailure"].get("Destination"):
        lines.append(f"  failures to {destination.rpartition(':')[2]}")
    if trigger["Tags"]:
        lines.append("  tags " + ", ".join(sorted(trigger["Tags"])))
    return lines


def _scaling(place: str, kinds: Mapping[str, list[dict[str, Any]]]) -> list[str]:
    where = place.removeprefix("table/").removeprefix("index/").replace("CapacityUnits", "").lower()
    lines = []
    for target in kinds.get("target", []):
        lines.append(f"{where} {target['MinCapacity']} to {target['MaxCapacity']}")
        suspended = [name for name, is_so in target.get("SuspendedState", {}).items() if is_so]
        lines += [f"  {name.removesuffix('Suspended')} suspended" for name in suspended]
    for policy in kinds.get("policies", []):
        lines.append(f"  at {policy['TargetTrackingScalingPolicyConfiguration']['TargetValue']:g}%")
    for action in kinds.get("schedules", []):
        lines.append(f"  {action['ScheduledActionName'].rpartition('/')[2]}")
        lines.append(f"    {action['Schedule'].removeprefix('cron(').removesuffix(')')}")
    return lines
