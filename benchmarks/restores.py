"""What a restore takes of the account that it happens in: requests, and the time in which its worker starts."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import zipfile
from collections import Counter
from pathlib import Path

from tests.faults.actions import finish_restore
from tests.faults.functions import Functions, World
from tests.hazards.restore_runs import deliver_next, restoring

DIST = Path(__file__).resolve().parent.parent / "dist"

POLLS = 3
"""Deliveries that find the target CREATING."""

ALARMS = 10_000
PAGE = 100
"""Alarms in one answer of DescribeAlarms
(docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html)."""

_STARTS = 7
_START = """
import sys, time
sys.dont_write_bytecode = True
sys.path[:0] = sys.argv[1:]
began = time.perf_counter()
import boto3, boto3.dynamodb.types, botocore.config
between = time.perf_counter()
import dynamodb_restore.handlers.restore_worker
print((time.perf_counter() - between) / (between - began))
"""


def alarm_listings() -> float:
    """Requests of DescribeAlarms for one restore, from its first delivery to its end, divided by the pages that all alarms of
    the account fill. At commit 4df6915 it was 4.05."""
    world = restoring(active=False)
    cloudwatch = world.account.cloudwatch
    cloudwatch.page_size = PAGE
    for number in range(ALARMS - len(cloudwatch.metric_alarms) - len(cloudwatch.composite_alarms)):
        cloudwatch.put_alarm(
            f"other-{number}",
            Namespace="AWS/DynamoDB",
            MetricName="ThrottledRequests",
            Dimensions=[{"Name": "TableName", "Value": f"table-{number}"}],
        )
    return _followed(world)["DescribeAlarms"] / (ALARMS / PAGE)


def calls_of_a_restore() -> int:
    """Calls of one restore without searches, from its first delivery to its end."""
    return _followed(restoring(active=False)).total()


def _followed(world: World) -> Counter[str]:
    """The calls of a restore that is looked at a few times before its target is ACTIVE."""
    functions = Functions()
    with functions.deployed(), functions.configured(findings={}):
        for _ in range(POLLS):
            deliver_next(functions, world)
        finish_restore(world)
        for _ in range(POLLS):
            if deliver_next(functions, world):
                return Counter(call.operation for call in world.wire.calls)
    raise SystemExit("the restore has no end")


def start_ratio() -> float:
    """The time of importing the worker as it is deployed, divided by that of importing boto3, which the runtime brings; the median
    of several processes. At commit 4df6915, without bytecode, it was 2.0."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("dynamodb_restore.zip", "dependencies_layer.zip"):
            with zipfile.ZipFile(DIST / name) as archive:
                archive.extractall(folder)
        command = [sys.executable, "-c", _START, folder, f"{folder}/python"]
        ran = [
            subprocess.run(command, check=True, capture_output=True, text=True).stdout for _ in range(_STARTS)
        ]
    return statistics.median(map(float, ran))
