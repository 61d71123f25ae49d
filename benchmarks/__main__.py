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

from benchmarks import one_by_one, restores
from benchmarks.workload import stream_records
from dynamodb_restore.aws import Clients
from dynamodb_restore.changes.bundle import encode
from dynamodb_restore.changes.capture import Captured, CaptureOptions, capture
from dynamodb_restore.changes.change import Change, Kind
from dynamodb_restore.changes.failure_bucket import FailureBucket
from dynamodb_restore.changes.progress import Position, ProgressStore, Side
from dynamodb_restore.changes.stuck import StuckMarks
from dynamodb_restore.pace import Clock
from dynamodb_restore.pipeline.replay import ReplayOptions, replay_batch
from dynamodb_restore.store import pipeline_partition
from tests.aws.account import Account
from tests.aws.clock import VirtualClock
from tests.aws.http_door import HttpDoor
from tests.aws.lambda_runtime import QueuePoller
from tests.aws.wire import Wire

SECONDS_PER_CALL = 0.005
BATCH = 1_000
IMAGE_BYTES = 1_024
ITEMS = 10_000
ROUNDS = 5
HOT_CHANGES = 30_000
START = 1_790_000_000
"""When all of it happens, epoch seconds."""

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


def account_of_the_pipeline() -> Account:
    """Both tables and the queue, all empty, and the restore table with the claim of a restore that replays."""
    account = Account(VirtualClock(START))
    for table in (TABLE, TARGET):
        account.items.make(table, pk="S", sk="N")
    account.items.make(RESTORE_TABLE, pk="S", sk="S")
    account.items.put(
        RESTORE_TABLE,
        {
            "pk": {"S": pipeline_partition(TABLE)},
            "sk": {"S": "claim"},
            "restore_id": {"S": "restore"},
            "target": {"S": TARGET},
            "state": {"S": "replaying"},
            "claimed_at": {"N": str(START)},
            "window_start": {"N": "0"},
            "window_chosen": {"BOOL": False},
            "version": {"N": "1"},
        },
    )
    account.queues.make("changes.fifo", visibility_seconds=360)
    return account


def door_to(account: Account, seconds_per_call: float = 0.0) -> HttpDoor:
    return HttpDoor(Wire(account), seconds_per_call)


def measure(
    work: Callable[[Clients], object], changes: int, rounds: int = ROUNDS, account: Account | None = None
) -> Cost:
    """Run `work` some times, each on an account of its own, after one run that makes the clients; keep the medians.

    The CPU time that the account in memory takes is left out.

    Args:
        account: what each run gets a copy of; None for an empty one.
    """
    account = account or account_of_the_pipeline()
    door = door_to(account.copy(), SECONDS_PER_CALL)
    clients = door.clients()
    work(clients)
    door.calls.clear()
    door.bytes_sent = 0
    seconds, cpu = [], []
    for _ in range(rounds):
        door.wire = Wire(account.copy())
        began, cpu_began = time.perf_counter(), time.process_time() - door.cpu_seconds
        work(clients)
        seconds.append(time.perf_counter() - began)
        cpu.append(time.process_time() - door.cpu_seconds - cpu_began)
    return Cost(
        changes,
        door.calls.total() / rounds,
        door.bytes_sent / rounds,
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
        now=lambda: START,
        sleep=time.sleep,
        rng=random.Random(1),
    )


def capture_bundles(records: Sequence[dict[str, Any]], clients: Clients) -> None:
    """What the capture function does with one batch."""
    captured = captured_by(records, clients)
    ProgressStore(clients, RESTORE_TABLE, TABLE, "buffer").advance(
        Side.CAPTURED, captured.reached, changes=captured.sent
    )
    StuckMarks(clients, RESTORE_TABLE, TABLE, "buffer").read()


def buffered(
    account: Account, records: Sequence[dict[str, Any]], groups: int = 16
) -> list[Sequence[dict[str, Any]]]:
    """Capture a batch, and receive all its messages as replay's invocations do: up to ten each."""
    captured_by(records, door_to(account).clients(), replace(OPTIONS, group_count=groups))
    return received(account)


def received(account: Account) -> list[Sequence[dict[str, Any]]]:
    """All messages of the buffer, which are in flight now."""
    poller = QueuePoller(account, one_by_one.QUEUE_URL)
    invocations = []
    while delivery := poller.receive():
        invocations.append(delivery.records)
    messages = account.queues.queues[one_by_one.QUEUE_URL].messages
    if sum(map(len, invocations)) != len(messages):
        raise SystemExit(f"{len(messages)} messages, and a group has more than one invocation takes")
    return invocations


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


def hot_messages(account: Account) -> list[Sequence[dict[str, Any]]]:
    """Ten messages of 256 KB, full of changes of one small item."""
    key = {"pk": {"S": "counter"}, "sk": {"N": "1"}}

    def change(number: int) -> Change:
        image = {
            **key,
            "n": {"N": str(number)},
            "at": {"N": str(START + number // 100)},
            "state": {"S": "open"},
        }
        return Change(Kind.PUT, key, image, str(10**20 + number), START)

    body = encode([change(number) for number in range(HOT_CHANGES)], sent_at=START)
    if not 0.9 * OPTIONS.byte_limit < len(body) <= OPTIONS.byte_limit:
        raise SystemExit(f"the messages are not full: {len(body)} bytes")
    for _ in range(10):
        account.queues.put(one_by_one.QUEUE_URL, body, group="3")
    return received(account)


def capture_units(groups: int) -> float:
    """Write units that noting a captured batch of this many groups takes, once all groups are there."""
    account = account_of_the_pipeline()
    store = ProgressStore(
        door_to(account).clients(), RESTORE_TABLE, TABLE, "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
    )
    positions = {group: Position(18_849_496_460_467_696_128, START) for group in range(groups)}
    store.advance(Side.CAPTURED, positions, changes=1_000, since=START)
    before = account.items.tables[RESTORE_TABLE].write_units
    store.advance(Side.CAPTURED, positions, changes=1_000, since=START)
    return account.items.tables[RESTORE_TABLE].write_units - before


def writes_per_change(changes: int, units_per_second: float) -> float:
    """Items written for each change, where a write limit lets a bundle take many invocations of 55 s."""
    account = account_of_the_pipeline()
    target, clock = account.items.tables[TARGET], account.clock
    target.log = []
    clients = door_to(account).clients()
    options = replace(REPLAY, write_units_per_second=units_per_second)
    records = stream_records(changes, image_bytes=200, items=changes)
    captured_by(records, clients, replace(OPTIONS, group_count=1))
    poller = QueuePoller(account, one_by_one.QUEUE_URL)
    messages = account.queues.queues[one_by_one.QUEUE_URL].messages

    def invoke(delivered: Sequence[dict[str, Any]]) -> list[str]:
        timed = Clock(lambda: clock.now, clock.sleep, clock.now + 55, random.Random(1), now=lambda: clock.now)
        return replay_batch(delivered, clients, options, timed).retry

    for _ in range(100):
        poller.deliver(invoke)
        if not messages:
            return len(target.log) / changes
        clock.wait_until(max(message.visible_at for message in messages.values()))
    raise SystemExit("the changes are never all replayed")


def use_memory(what: str) -> None:
    """Handle one event of 6 MB, or ten messages of a hot item, and print this process's peak memory in MB."""
    account = account_of_the_pipeline()
    clients = door_to(account).clients()
    if what == "hot":
        replay_bundles(hot_messages(account), clients)
    else:
        size = 2 * IMAGE_BYTES + 900
        records = stream_records(LARGEST_EVENT_BYTES // size, image_bytes=IMAGE_BYTES, items=ITEMS)
        if what == "capture":
            capture_bundles(records, clients)
        else:
            replay_bundles(buffered(account, records), clients)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def main() -> int:
    """Print the table and say whether each target is reached."""
    records = stream_records(BATCH, image_bytes=IMAGE_BYTES, items=ITEMS)
    account = account_of_the_pipeline()
    invocations = buffered(account, records)
    bodies = one_by_one.capture(records, door_to(account_of_the_pipeline()).clients())
    costs = {
        "capture, bundles": measure(lambda clients: capture_bundles(records, clients), BATCH),
        "capture, one by one": measure(lambda clients: one_by_one.capture(records, clients), BATCH, 1),
        "replay, bundles": measure(
            lambda clients: replay_bundles(invocations, clients), BATCH, account=account
        ),
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
        (
            "restore: requests of DescribeAlarms for each page of 10,000 alarms",
            restores.alarm_listings(),
            "at most",
            1.1,
        ),
    ]
    calls = restores.calls_of_a_restore()
    print(f"\na restore looked at {restores.POLLS} times, without searches: {calls} calls")
    print(f"import of the worker, for each second of boto3's: {restores.start_ratio():.2f} s\n")
    missed = 0
    for name, figure, relation, bound in targets:
        reached = figure >= bound if relation == "at least" else figure <= bound
        missed += not reached
        before = f"; at a5da910: {BEFORE[name]}" if name in BEFORE else ""
        print(f"{'reached' if reached else 'MISSED':8} {name}: {figure:.2f} ({relation} {bound}{before})")
    return 1 if missed else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--memory"]:
        use_memory(sys.argv[2])
    else:
        sys.exit(main())
