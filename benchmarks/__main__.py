"""`make bench`: run both designs on the same work and print what each costs.

Exits 1 where a target of `TARGETS` is missed. Times are of this machine; what carries over is the ratios.
"""

from __future__ import annotations

import random
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks import one_by_one
from benchmarks.simulated_aws import SimulatedAws
from benchmarks.workload import stream_records
from dynamodb_restore.aws import Clients
from dynamodb_restore.changes.capture import Captured, CaptureOptions, capture
from dynamodb_restore.changes.failure_bucket import FailureBucket
from dynamodb_restore.changes.progress import Position, ProgressStore, Side
from dynamodb_restore.changes.quarantine import Quarantine
from dynamodb_restore.changes.replay import Window, replay
from dynamodb_restore.changes.stuck import StuckMarks
from dynamodb_restore.changes.writer import Clock, TargetWriter, WriteRate

SECONDS_PER_CALL = 0.005
BATCH = 1_000
IMAGE_BYTES = 1_024
ITEMS = 10_000
ROUNDS = 5
TABLE, TARGET, RESTORE_TABLE = "orders", "orders-restored", "restores"
OPTIONS = CaptureOptions(one_by_one.QUEUE_URL, group_count=16, byte_limit=262_144, keep_expiries=True)
LARGEST_EVENT_BYTES = 6 * 1024 * 1024


@dataclass(frozen=True)
class Cost:
    """What one handler spends on `changes` changes; seconds are medians of several rounds."""

    changes: int
    calls: float
    bytes_sent: float
    seconds: float
    cpu_seconds: float

    @property
    def rate(self) -> float:
        """Changes a second."""
        return self.changes / self.seconds


def measure(work: Callable[[Clients], object], changes: int, rounds: int = ROUNDS) -> Cost:
    """Run `work` some times, after one run that makes the clients, and keep the medians."""
    aws = SimulatedAws(SECONDS_PER_CALL)
    clients = aws.clients()
    work(clients)
    aws.calls.clear()
    aws.bytes_sent = 0
    seconds, cpu = [], []
    for _ in range(rounds):
        began, cpu_began = time.perf_counter(), time.process_time()
        work(clients)
        seconds.append(time.perf_counter() - began)
        cpu.append(time.process_time() - cpu_began)
    return Cost(
        changes,
        aws.calls.total() / rounds,
        aws.bytes_sent / rounds,
        statistics.median(seconds),
        statistics.median(cpu),
    )


def captured_by(records: Sequence[dict[str, Any]], clients: Clients) -> Captured:
    """Send one batch to the buffer."""
    return capture(
        records,
        OPTIONS,
        clients,
        images=FailureBucket(clients, "failures", "images/"),
        discard=lambda _record, _reason: False,
        nonce="bench",
        now=time.time,
        sleep=time.sleep,
        rng=random.Random(1),
    )


def capture_bundles(records: Sequence[dict[str, Any]], clients: Clients) -> None:
    """What the capture function does with one batch."""
    captured = captured_by(records, clients)
    positions = {
        group: Position(sequence, captured.through or 0) for group, sequence in captured.positions.items()
    }
    ProgressStore(clients, RESTORE_TABLE, TABLE, "buffer").advance(
        Side.CAPTURED, positions, changes=captured.sent
    )
    StuckMarks(clients, RESTORE_TABLE, TABLE, "buffer").read()


def buffered(records: Sequence[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """The messages that capture makes of a batch, as replay's invocations get them: up to ten each."""
    aws = SimulatedAws(0)
    clients = aws.clients()
    messages: list[dict[str, Any]] = []
    send = clients.sqs_once.send_message_batch

    def keep(**arguments: Any) -> Any:
        answer = send(**arguments)
        for entry, sent in zip(arguments["Entries"], answer["Successful"], strict=True):
            attributes = {
                "MessageGroupId": entry["MessageGroupId"],
                "SequenceNumber": sent["SequenceNumber"],
                "SentTimestamp": "1790000000000",
            }
            messages.append(
                {"messageId": str(len(messages)), "body": entry["MessageBody"], "attributes": attributes}
            )
        return answer

    clients.sqs_once.send_message_batch = keep  # type: ignore[method-assign]
    captured_by(records, clients)
    return [messages[start : start + 10] for start in range(0, len(messages), 10)]


def replay_bundles(invocations: Sequence[Sequence[dict[str, Any]]], clients: Clients) -> None:
    """What the replay function does with the messages of one captured batch, one invocation after another."""
    for messages in invocations:
        clock = Clock(time.monotonic, time.sleep, time.monotonic() + 60, random.Random(1))
        quarantine = Quarantine(clients, RESTORE_TABLE, "restore")
        progress = ProgressStore(clients, RESTORE_TABLE, TABLE, "buffer")
        replayed = replay(
            messages,
            Window(0),
            TargetWriter(clients, TABLE, TARGET, clock, WriteRate(None, clock)),
            quarantine,
            frozenset(str(item.key) for item in quarantine.items()),
            lambda _record, _reason: False,
            progress.read(Side.REPLAYED).positions,
        )
        if replayed.retry:
            raise SystemExit(f"replay failed: {replayed.problem}")
        progress.advance(Side.REPLAYED, replayed.positions, changes=replayed.changes)


def peak_megabytes(what: str) -> float:
    """Peak memory of a process of its own that handles one event of 6 MB."""
    command = [sys.executable, "-m", "benchmarks", "--memory", what]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(answer.stdout)


def use_memory(what: str) -> None:
    """Handle one event of 6 MB and print this process's peak memory in MB."""
    size = 2 * IMAGE_BYTES + 900
    records = stream_records(LARGEST_EVENT_BYTES // size, image_bytes=IMAGE_BYTES, items=ITEMS)
    clients = SimulatedAws(0).clients()
    if what == "capture":
        capture_bundles(records, clients)
    else:
        replay_bundles(buffered(records), clients)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def main() -> int:
    """Print the table and say whether each target is reached."""
    records = stream_records(BATCH, image_bytes=IMAGE_BYTES, items=ITEMS)
    invocations = buffered(records)
    bodies = one_by_one.capture(records, SimulatedAws(0).clients())
    costs = {
        "capture, bundles": measure(lambda clients: capture_bundles(records, clients), BATCH),
        "capture, one by one": measure(lambda clients: one_by_one.capture(records, clients), BATCH, 1),
        "replay, bundles": measure(lambda clients: replay_bundles(invocations, clients), BATCH),
        "replay, one by one": measure(lambda clients: one_by_one.replay(bodies, clients, TARGET), BATCH, 1),
    }
    print(
        f"{BATCH} changes of about {IMAGE_BYTES} bytes, {SECONDS_PER_CALL * 1000:g} ms a call, median of {ROUNDS}\n"
    )
    print(f"{'':22}{'calls':>8}{'bytes/change':>14}{'changes/s':>12}{'CPU us/change':>15}")
    for name, cost in costs.items():
        per_change = cost.bytes_sent / cost.changes
        cpu = cost.cpu_seconds / cost.changes * 1e6
        print(f"{name:22}{cost.calls:>8.0f}{per_change:>14.0f}{cost.rate:>12.0f}{cpu:>15.0f}")
    memory = {what: peak_megabytes(what) for what in ("capture", "replay")}
    for what, megabytes in memory.items():
        print(f"peak memory of {what}, event of 6 MB: {megabytes:.0f} MB")

    capture_gain = costs["capture, bundles"].rate / costs["capture, one by one"].rate
    replay_gain = costs["replay, bundles"].rate / costs["replay, one by one"].rate
    targets = [
        ("capture: calls for 1,000 changes", costs["capture, bundles"].calls, "at most", 5),
        ("capture: rate against one by one", capture_gain, "at least", 50),
        ("replay: rate against one by one", replay_gain, "at least", 5),
        ("peak memory, MB", max(memory.values()), "below", 256),
    ]
    print()
    missed = 0
    for name, figure, relation, bound in targets:
        reached = figure >= bound if relation == "at least" else figure <= bound
        missed += not reached
        print(f"{'reached' if reached else 'MISSED':8} {name}: {figure:.1f} ({relation} {bound})")
    return 1 if missed else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--memory"]:
        use_memory(sys.argv[2])
    else:
        sys.exit(main())
