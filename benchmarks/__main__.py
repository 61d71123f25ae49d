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
from dataclasses import dataclass, replace
from typing import Any

from benchmarks import one_by_one
from benchmarks.simulated_aws import SimulatedAws
from benchmarks.workload import stream_records
from dynamodb_restore.aws import Clients
from dynamodb_restore.changes.bundle import encode
from dynamodb_restore.changes.capture import Captured, CaptureOptions, capture
from dynamodb_restore.changes.change import Change, Kind
from dynamodb_restore.changes.clock import Clock
from dynamodb_restore.changes.failure_bucket import FailureBucket
from dynamodb_restore.changes.progress import Position, ProgressStore, Side
from dynamodb_restore.changes.replayed import Replayed
from dynamodb_restore.changes.stuck import StuckMarks
from dynamodb_restore.pipeline.replay import ReplayOptions, replay_batch

SECONDS_PER_CALL = 0.005
BATCH = 1_000
IMAGE_BYTES = 1_024
ITEMS = 10_000
ROUNDS = 5
HOT_CHANGES = 30_000
TABLE, TARGET, RESTORE_TABLE = "orders", "orders-restored", "restores"
OPTIONS = CaptureOptions(one_by_one.QUEUE_URL, group_count=16, byte_limit=262_144, keep_expiries=True)
REPLAY = ReplayOptions(
    source=TABLE,
    restore_table=RESTORE_TABLE,
    buffer_id="buffer",
    buffer_url=one_by_one.QUEUE_URL,
    dead_letter_queue_url=one_by_one.QUEUE_URL,
    failure_bucket="failures",
    image_prefix="images/",
)
BEFORE = {
    "capture: calls for 1,000 changes": "3",
    "replay: rate against one by one": "27.6",
    "peak memory, MB": "81",
    "peak memory of replay for ten full messages of one hot item, MB": "506",
    "capture: write units for its progress, 16 groups": "1",
    "capture: write units for its progress, 256 groups": "60",
    "capture: write units for its progress, 1,000 groups": "721",
    "replay: writes for each change under a write limit": "11 after 20 invocations, and never done",
}
"""The same figures of commit a5da910, on the same machine: what each target is held against."""

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


def captured_by(
    records: Sequence[dict[str, Any]], clients: Clients, options: CaptureOptions = OPTIONS
) -> Captured:
    """Send one batch to the buffer."""
    return capture(
        records,
        options,
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


def buffered(records: Sequence[dict[str, Any]], groups: int = 16) -> list[list[dict[str, Any]]]:
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
                {
                    "messageId": str(len(messages)),
                    "receiptHandle": str(len(messages)),
                    "body": entry["MessageBody"],
                    "attributes": attributes,
                }
            )
        return answer

    clients.sqs_once.send_message_batch = keep  # type: ignore[method-assign]
    captured_by(records, clients, replace(OPTIONS, group_count=groups))
    return [messages[start : start + 10] for start in range(0, len(messages), 10)]


def replay_bundles(invocations: Sequence[Sequence[dict[str, Any]]], clients: Clients) -> None:
    """What the replay function does with the messages of one captured batch, one invocation after another."""
    for messages in invocations:
        clock = Clock(time.monotonic, time.sleep, time.monotonic() + 55, random.Random(1))
        replayed = replay_batch(messages, clients, REPLAY, clock)
        if replayed.retry:
            raise SystemExit(f"replay failed: {replayed.problem}")


def peak_megabytes(what: str) -> float:
    """Peak memory of a process of its own that handles one event of 6 MB."""
    command = [sys.executable, "-m", "benchmarks", "--memory", what]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(answer.stdout)


def hot_messages() -> list[dict[str, Any]]:
    """Ten messages of 256 KB, full of changes of one small item."""
    key = {"pk": {"S": "counter"}}

    def change(number: int) -> Change:
        image = {
            **key,
            "n": {"N": str(number)},
            "at": {"N": str(1_790_000_000 + number // 100)},
            "state": {"S": "open"},
        }
        return Change(Kind.PUT, key, image, str(10**20 + number), 1_790_000_000)

    body = encode([change(number) for number in range(HOT_CHANGES)], sent_at=1_790_000_000)
    if not 0.9 * OPTIONS.byte_limit < len(body) <= OPTIONS.byte_limit:
        raise SystemExit(f"the messages are not full: {len(body)} bytes")
    attributes = {"MessageGroupId": "3", "SentTimestamp": "1790000000000"}
    return [
        {
            "messageId": str(number),
            "receiptHandle": str(number),
            "body": body,
            "attributes": {**attributes, "SequenceNumber": str(100 + number)},
        }
        for number in range(10)
    ]


def capture_units(groups: int) -> int:
    """Write units that noting a captured batch of this many groups takes, once all groups are there."""
    aws = SimulatedAws(0)
    store = ProgressStore(aws.clients(), RESTORE_TABLE, TABLE, "6ba7b810-9dad-11d1-80b4-00c04fd430c8")
    positions = {group: Position(18_849_496_460_467_696_128, 1_790_000_000) for group in range(groups)}
    store.advance(Side.CAPTURED, positions, changes=1_000, since=1_790_000_000)
    aws.updates.units = 0
    store.advance(Side.CAPTURED, positions, changes=1_000, since=1_790_000_000)
    return aws.updates.units


def writes_per_change(changes: int, units_per_second: float) -> float:
    """Items written for each change, where a write limit lets a bundle take many invocations of 55 s."""
    aws, now = SimulatedAws(0), [0.0]
    clients = aws.clients()
    options = replace(REPLAY, write_units_per_second=units_per_second)
    records = stream_records(changes, image_bytes=200, items=changes)
    left = [message for batch in buffered(records, groups=1) for message in batch]
    for _ in range(100):
        clock = Clock(
            lambda: now[0],
            lambda seconds: now.__setitem__(0, now[0] + seconds),
            now[0] + 55,
            random.Random(1),
        )
        replayed = replay_batch(left, clients, options, clock)
        aws.progress = [_as_stored(replayed)]
        left = [message for message in left if message["messageId"] in replayed.retry]
        if not left:
            return aws.items_written / changes
    raise SystemExit("the changes are never all replayed")


def _as_stored(replayed: Replayed) -> dict[str, Any]:
    """What the progress item of the first groups tells after an invocation."""
    item: dict[str, Any] = {"sk": {"S": "replayed#buffer#0"}}
    for group, position in replayed.positions.items():
        item |= {f"sequence#{group}": {"N": str(position.sequence)}, f"time#{group}": {"N": "0"}}
    for group, bundle in replayed.partial.items():
        item[f"at#{group}"] = {"N": str(bundle.as_number)}
    return item


def use_memory(what: str) -> None:
    """Handle one event of 6 MB, or ten messages of a hot item, and print this process's peak memory in MB."""
    if what == "hot":
        messages = hot_messages()
        replay_bundles([messages], SimulatedAws(0).clients())
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        return
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
    memory = {what: peak_megabytes(what) for what in ("capture", "replay", "hot")}
    for what, megabytes in memory.items():
        event = "ten full messages of one hot item" if what == "hot" else "event of 6 MB"
        print(f"peak memory of {what}, {event}: {megabytes:.0f} MB")
    units = {groups: capture_units(groups) for groups in (16, 256, 1_000)}
    paid = writes_per_change(BATCH, units_per_second=10)

    capture_gain = costs["capture, bundles"].rate / costs["capture, one by one"].rate
    replay_gain = costs["replay, bundles"].rate / costs["replay, one by one"].rate
    targets = [
        ("capture: calls for 1,000 changes", costs["capture, bundles"].calls, "at most", 5),
        ("capture: rate against one by one", capture_gain, "at least", 50),
        ("replay: rate against one by one", replay_gain, "at least", 5),
        ("peak memory, MB", max(memory["capture"], memory["replay"]), "below", 256),
        ("peak memory of replay for ten full messages of one hot item, MB", memory["hot"], "at most", 256),
        ("capture: write units for its progress, 16 groups", units[16], "at most", 2),
        ("capture: write units for its progress, 256 groups", units[256], "at most", 20),
        ("capture: write units for its progress, 1,000 groups", units[1_000], "at most", 70),
        ("replay: writes for each change under a write limit", paid, "at most", 1.1),
    ]
    print()
    missed = 0
    for name, figure, relation, bound in targets:
        reached = figure >= bound if relation == "at least" else figure <= bound
        missed += not reached
        before = f"; at a5da910: {BEFORE[name]}" if name in BEFORE else ""
        print(f"{'reached' if reached else 'MISSED':8} {name}: {figure:.1f} ({relation} {bound}{before})")
    return 1 if missed else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--memory"]:
        use_memory(sys.argv[2])
    else:
        sys.exit(main())
