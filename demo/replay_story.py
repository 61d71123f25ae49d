"""The second act from the operator's chair: live counters, cutover, and what it says."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from demo.deploy import DemoError
from demo.shop import Writer
from demo.show import Show
from demo.worker_story import TIMEOUT_SECONDS, WorkerStory
from tests.local_aws import LocalAws

COUNTERS = "{:>9}{:>10}{:>10}{:>16}{:>20}{:>13}"
SECONDS_BETWEEN_COUNTERS = 2.5
SECONDS_BETWEEN_LOOKS = 0.2
# Messages in the buffer with which replay is as good as up to date.
CLOSE = 15


class Operator:
    """Invokes the operator function, as the commands among the outputs do."""

    def __init__(self, aws: LocalAws, outputs: Mapping[str, Any], table: str) -> None:
        self._aws = aws
        self._function: str = outputs["operator"]["function"]["name"]
        self._table = table

    def ask(self, action: str, **more: Any) -> dict[str, Any]:
        payload = json.dumps({"action": action, "table": self._table, **more})
        answer = self._aws.clients().lambda_.invoke(FunctionName=self._function, Payload=payload.encode())
        result: dict[str, Any] = json.loads(answer["Payload"].read())
        if answer.get("FunctionError") or "error" in result:
            raise DemoError(f"the operator function does not {action}: {json.dumps(result)}")
        return result


class ReplayStory:
    """Follows a replay and ends it."""

    def __init__(self, show: Show, operator: Operator, writer: Writer) -> None:
        self._show = show
        self._operator = operator
        self._writer = writer

    def follow(self, story: WorkerStory) -> None:
        """Tell until the target begins to replay."""
        self._tell_until(lambda status: bool(status["state"] == "replaying"), "replay to begin", story)

    def catch_up(self, story: WorkerStory) -> None:
        """Tell until the target follows its source closely, which is written all the while."""
        self._tell_until(
            lambda status: int(status["buffer"]["waiting"]) <= CLOSE, "replay to catch up", story
        )

    def too_early(self, settle_seconds: float) -> bool:
        """Try to cut over while the source is still written; returns whether that was refused, as it must be."""
        deadline = time.monotonic() + TIMEOUT_SECONDS
        answer: dict[str, Any] = {"settling_until": None}
        while "settling_until" in answer and time.monotonic() < deadline:
            answer = self._operator.ask("cutover", settle_seconds=settle_seconds)
            self._writer.look_away(SECONDS_BETWEEN_LOOKS)
        refused = [obstacle["reason"] for obstacle in answer.get("refused", [])]
        for reason in refused or ["not refused"]:
            self._show.note(f"cutover refused: {reason}" if refused else reason, good=bool(refused))
        return bool(refused)

    def cut_over(self, settle_seconds: float) -> tuple[float, dict[str, Any]]:
        """Stop the writer, drain, cut over; returns how long nobody could write, and the report."""
        self._writer.stop()
        self._show.note(f"the last of {self._writer.changes} changes is written")
        self._head()
        deadline = time.monotonic() + TIMEOUT_SECONDS
        reasons = []
        while time.monotonic() < deadline:
            status = self._count()
            reasons = [obstacle["reason"] for obstacle in status["obstacles"]]
            if not reasons:
                self._show.note("status says that next is cutover")
                answer = self._operator.ask("cutover", settle_seconds=settle_seconds)
                if "result" in answer:
                    return time.monotonic() - self._writer.last_write, answer
                if "settling_until" in answer:
                    self._settle(answer["settling_until"])
                    continue
                reasons = [obstacle["reason"] for obstacle in answer["refused"]]
                self._show.note(f"not yet: {'; '.join(reasons)}")
            self._writer.look_away(SECONDS_BETWEEN_LOOKS)
        raise DemoError(f"no cutover {TIMEOUT_SECONDS} s after the last write: {'; '.join(reasons)}")

    def _settle(self, until: str) -> None:
        """Wait until an instant, as cutover has asked."""
        self._show.note(
            f"it settles until {until}: replay was switched on just now, and a mapping may not read for 120 s after that"
        )
        instant = datetime.fromisoformat(until)
        while datetime.now(UTC) <= instant:
            self._writer.look_away(SECONDS_BETWEEN_LOOKS)

    def _tell_until(self, reached: Callable[[dict[str, Any]], bool], what: str, story: WorkerStory) -> None:
        self._head()
        deadline = time.monotonic() + TIMEOUT_SECONDS
        next_count = 0.0
        while (now := time.monotonic()) < deadline:
            story.tell_new()
            if now >= next_count:
                next_count = now + SECONDS_BETWEEN_COUNTERS
                if reached(self._count()):
                    story.tell_new()
                    return
            self._writer.look_away(SECONDS_BETWEEN_LOOKS)
        raise DemoError(f"waited {TIMEOUT_SECONDS} s for {what}; see the counters above")

    def _head(self) -> None:
        heads = ("written", "captured", "replayed", "lagging groups", "buffer", "quarantined")
        self._show.note(COUNTERS.format(*heads))

    def _count(self) -> dict[str, Any]:
        """Show the counters of `status`, and return it."""
        status = self._operator.ask("status")
        replay, buffer = status.get("replay", {}), status["buffer"]
        refused = len(status.get("quarantined", []))
        counters = COUNTERS.format(
            self._writer.changes,
            status["capture"]["changes"],
            replay.get("changes", "-"),
            replay.get("lagging_groups", "-"),
            f"{buffer['waiting']} + {buffer['in_flight']} in flight",
            f"{refused}{'+' if status.get('more_quarantined') else ''}",
        )
        self._show.note(counters)
        return status
