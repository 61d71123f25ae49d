"""The local AWS as one object: emulators, gateway, rules, clients, and a restore as AWS announces it."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import shutil
import signal
import sys
import tempfile
import threading
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, TypeVar

import boto3
from botocore.config import Config

from . import processes
from .calls import SHORTEST_PAUSE_SECONDS as _PAUSE
from .calls import CallLog
from .gateway import OBSERVER, Gateway, Routes
from .operations import table_name
from .permissions import function_of_mapping, statements_of
from .restore_event import CALL_DETAIL_TYPE, JOB_DETAIL_TYPE, restore_call_detail, restore_job_detail
from .rules import ACCOUNT_ID, RestoreJob, Rules

if TYPE_CHECKING:
    from mypy_boto3_application_autoscaling import ApplicationAutoScalingClient
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_kinesis import KinesisClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient

Answer = TypeVar("Answer")

REGION = "us-east-1"
EVENT_SOURCE = "rehearsal.dynamodb"
"""AWS refuses `aws.dynamodb` and `aws.backup` from anyone but itself, and so does the local AWS; deployments
under test have this source in their `event_sources`."""

# What ministack has not, or not right; by the names that sign requests.
SERVED_BY_MOTO = ("application-autoscaling", "ec2", "monitoring", "osis")


class Clients:
    """boto3 clients of one caller in one region."""

    def __init__(self, endpoint: str, caller: str, region: str) -> None:
        self.region = region
        self._endpoint = endpoint
        self._session = boto3.Session(
            aws_access_key_id=caller, aws_secret_access_key="local", region_name=region
        )  # fmt: skip
        # A test sees what it asked for: an error at once, not after some retries; and from this machine,
        # whatever proxy the environment names.
        self._config = Config(retries={"total_max_attempts": 1}, read_timeout=960, proxies={})

    def client(self, service: str) -> Any:
        create: Callable[..., Any] = self._session.client
        return create(service, endpoint_url=self._endpoint, config=self._config)

    @cached_property
    def dynamodb(self) -> DynamoDBClient:
        client: DynamoDBClient = self.client("dynamodb")
        return client

    @cached_property
    def lambda_(self) -> LambdaClient:
        client: LambdaClient = self.client("lambda")
        return client

    @cached_property
    def sqs(self) -> SQSClient:
        client: SQSClient = self.client("sqs")
        return client

    @cached_property
    def sns(self) -> SNSClient:
        client: SNSClient = self.client("sns")
        return client

    @cached_property
    def events(self) -> EventBridgeClient:
        client: EventBridgeClient = self.client("events")
        return client

    @cached_property
    def kinesis(self) -> KinesisClient:
        client: KinesisClient = self.client("kinesis")
        return client

    @cached_property
    def logs(self) -> CloudWatchLogsClient:
        client: CloudWatchLogsClient = self.client("logs")
        return client

    @cached_property
    def autoscaling(self) -> ApplicationAutoScalingClient:
        client: ApplicationAutoScalingClient = self.client("application-autoscaling")
        return client

    @cached_property
    def cloudwatch(self) -> CloudWatchClient:
        client: CloudWatchClient = self.client("cloudwatch")
        return client


@dataclass(frozen=True)
class Restore:
    """A restore that was begun, and the event that tells of its call.

    Attributes:
        job: the job of AWS Backup that it belongs to.
    """

    source: str
    target: str
    region: str
    detail: dict[str, Any]
    job: RestoreJob | None = None


class LocalAws:
    """Started and stopped as a context manager; leaves no process and no file behind."""

    def __init__(self, *, ministack_python: str | None = None, region: str = REGION) -> None:
        """Prepare; nothing starts yet.

        Args:
            ministack_python: interpreter of the environment that ministack is installed in. Default: the
                variable LOCAL_AWS_PYTHON.
            region: where clients and subprocesses are unless they say otherwise.

        Raises:
            StartError: there is no such interpreter.
        """
        self._ministack_python = ministack_python or os.environ.get("LOCAL_AWS_PYTHON", "")
        if not self._ministack_python:
            raise processes.StartError(
                "LOCAL_AWS_PYTHON is not set: it names the interpreter of the environment with ministack. "
                "`make demo` and `make test` make that environment and set the variable."
            )
        self.region = region
        self.account_id = ACCOUNT_ID
        self.calls = CallLog()
        self.rules = Rules()
        self.gateway = Gateway(self.calls, self.rules)
        self._stack = contextlib.ExitStack()
        self._clients: dict[tuple[str, str], Clients] = {}
        self._clients_lock = threading.Lock()
        self._servers: dict[str, processes.Server] = {}

    # --- life ---

    def __enter__(self) -> LocalAws:
        with self._stack:
            directory = Path(tempfile.mkdtemp(prefix="local-aws-"))
            self._stack.callback(shutil.rmtree, directory, ignore_errors=True)
            self._stack.enter_context(_sigterm_raises())
            self._stack.enter_context(self.gateway)
            for server in (
                processes.ministack(
                    self._ministack_python, directory, endpoint=self.gateway.url, account_id=self.account_id
                ),
                processes.moto(sys.executable, directory),
            ):
                self._servers[server.name] = self._stack.enter_context(server)
            for server in self._servers.values():
                server.wait_until_ready()
            self.gateway.routes = Routes(
                self._servers["ministack"].url, dict.fromkeys(SERVED_BY_MOTO, self._servers["moto"].url)
            )
            observer = Clients(self._servers["ministack"].url, OBSERVER, self.region)
            self.rules.authorization.policies_of = partial(statements_of, observer.client("iam"))
            self.rules.authorization.function_of = partial(function_of_mapping, observer.client("lambda"))
            # All is up: from here on closing is the caller's, and at the latest the interpreter's.
            self._stack = self._stack.pop_all()
        atexit.register(self.close)
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop everything that was started; safe to call twice."""
        atexit.unregister(self.close)
        with self._clients_lock:
            self._clients.clear()
        self._stack.close()

    def reset(self) -> None:
        """An empty account with no history, in a fraction of a second."""
        for server, path in (("ministack", "/_ministack/reset"), ("moto", "/moto-api/reset")):
            request = urllib.request.Request(self._servers[server].url + path, method="POST")
            with processes.direct.open(request, timeout=60):
                pass
        self.rules.reset()
        self.calls.clear()

    def log(self, server: str) -> Path:
        """The log file of "ministack" or "moto"."""
        return self._servers[server].log

    # --- callers ---

    @property
    def endpoint(self) -> str:
        return self.gateway.url

    def environment(self, caller: str, *, region: str | None = None) -> dict[str, str]:
        """All of an AWS caller's settings, for a subprocess: it sees this AWS, as this caller, and no other."""
        region = region or self.region
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": caller,
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            # An answer that will not change must not keep Terraform trying for minutes.
            "AWS_MAX_ATTEMPTS": "2",
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
        }

    def clients(self, *, region: str | None = None, caller: str = "tests") -> Clients:
        key = (caller, region or self.region)
        with self._clients_lock:
            if key not in self._clients:
                self._clients[key] = Clients(self.endpoint, *key)
            return self._clients[key]

    def observer(self, *, region: str | None = None) -> Clients:
        """Clients that see the emulators' own state, past all rules.

        They can look at a restored table while everyone else is told that it is still being created.
        """
        return self.clients(region=region, caller=OBSERVER)

    def client(self, service: str, *, region: str | None = None) -> Any:
        return self.clients(region=region).client(service)

    def wait_until(
        self, condition: Callable[[], Answer | None], *, timeout: float, what: str, every: float = _PAUSE
    ) -> Answer:
        """See `CallLog.wait_until`."""
        return self.calls.wait_until(condition, timeout=timeout, what=what, every=every)

    def listening_queue(self, name: str) -> tuple[str, str]:
        """A queue that EventBridge and SNS may send to; returns its URL and its ARN."""
        sqs = self.clients().sqs
        arn = f"arn:aws:sqs:{self.region}:{self.account_id}:{name}"
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": ["events.amazonaws.com", "sns.amazonaws.com"]},
            "Action": "sqs:SendMessage",
            "Resource": arn,
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        return sqs.create_queue(QueueName=name, Attributes={"Policy": policy})["QueueUrl"], arn

    # --- restores ---

    def table_arn(self, table: str, *, region: str | None = None) -> str:
        return f"arn:aws:dynamodb:{region or self.region}:{self.account_id}:table/{table}"

    def restore(
        self,
        source: str,
        target: str,
        *,
        polls: int | None = 0,
        by_arn: bool = False,
        announced: bool = True,
        region: str | None = None,
        source_region: str | None = None,
        begun_ago: float = 0.0,
        **request: Any,
    ) -> Restore:
        """Restore a table to a point in time, and announce it as CloudTrail and EventBridge would.

        Args:
            source: table to restore from.
            target: name of the new table.
            polls: how often a function that describes the target is told CREATING; None: until
                `rules.restores.release(target)`.
            by_arn: name the source by its ARN.
            announced: whether to put the event.
            region: of the target, and of the call.
            source_region: of the source, where it is another one.
            begun_ago: for how many seconds the target says that it has been CREATING.
            request: more members of the RestoreTableToPointInTime request.
        """
        region = region or self.region
        named = (
            {"SourceTableArn": self.table_arn(source, region=source_region or region)}
            if by_arn or source_region
            else {"SourceTableName": source}
        )
        moment = {} if "RestoreDateTime" in request else {"UseLatestRestorableTime": True}
        call = {**named, "TargetTableName": target, **moment, **request}
        self.rules.restores.stay_creating(target, polls, begun_ago=begun_ago)
        answer = self.clients(region=region).dynamodb.restore_table_to_point_in_time(**call)
        return self._begun(
            "RestoreTableToPointInTime",
            source,
            call,
            answer["TableDescription"],
            region,
            announced=announced,
            begun_ago=begun_ago,
        )

    def back_up(self, source: str) -> str:
        """Make a backup of a table; returns its ARN."""
        answer = self.clients().dynamodb.create_backup(TableName=source, BackupName=f"{source}-backup")
        return answer["BackupDetails"]["BackupArn"]

    def restore_from_backup(
        self, backup_arn: str, target: str, *, polls: int | None = 0, announced: bool = True, **request: Any
    ) -> Restore:
        """Restore a table from a backup of DynamoDB's own; arguments as for `restore`."""
        call = {"BackupArn": backup_arn, "TargetTableName": target, **request}
        self.rules.restores.stay_creating(target, polls)
        answer = self.clients().dynamodb.restore_table_from_backup(**call)
        source = table_name(backup_arn)
        return self._begun(
            "RestoreTableFromBackup",
            source,
            call,
            answer["TableDescription"],
            self.region,
            announced=announced,
        )

    def restore_by_aws_backup(
        self,
        backup_arn: str,
        target: str,
        *,
        polls: int | None = 0,
        announced: bool = True,
        tested: bool = False,
    ) -> Restore:
        """Let AWS Backup restore a table, from a recovery point of its own that holds what the backup holds.

        It calls RestoreTableFromAwsBackup, which CloudTrail records; `announce_job` announces the job's changes of state.
        """
        source = backup_arn.partition("/backup/")[0]
        job = RestoreJob.begun(self.region, self.account_id, source, self.table_arn(target), tested=tested)
        self.rules.restore_jobs.add(job)
        self.rules.restores.stay_creating(target, polls, recovery_point=job.recovery_point_arn)
        dynamodb = self.clients(caller="aws-backup").dynamodb
        answer = dynamodb.restore_table_from_backup(BackupArn=backup_arn, TargetTableName=target)
        restore = self._begun(
            "RestoreTableFromAwsBackup",
            table_name(source),
            {"BackupArn": job.recovery_point_arn, "TargetTableName": target},
            answer["TableDescription"],
            self.region,
            announced=announced,
            by_aws_backup=True,
        )
        return replace(restore, job=job)

    def announce(self, detail: dict[str, Any], *, region: str | None = None) -> str:
        """Put the event of a restore call on the default bus; returns its id. Again: a second delivery."""
        return self._put_event(CALL_DETAIL_TYPE, detail, region=region)

    def announce_job(self, job: RestoreJob, status: str) -> str:
        """Let a restore job be in this state, and put the event of it on the default bus."""
        job.status = status
        return self._put_event(
            JOB_DETAIL_TYPE, restore_job_detail(job, status), resources=[job.recovery_point_arn]
        )

    def _begun(
        self,
        event_name: str,
        source: str,
        call: dict[str, Any],
        description: Mapping[str, Any],
        region: str,
        *,
        announced: bool,
        by_aws_backup: bool = False,
        begun_ago: float = 0.0,
    ) -> Restore:
        detail = restore_call_detail(
            event_name,
            call,
            description,
            region=region,
            account_id=self.account_id,
            by_aws_backup=by_aws_backup,
            begun_ago=begun_ago,
        )
        self.rules.trail.note(detail)
        if announced:
            self.announce(detail, region=region)
        return Restore(source, call["TargetTableName"], region, detail)

    def _put_event(
        self,
        detail_type: str,
        detail: dict[str, Any],
        *,
        region: str | None = None,
        resources: Sequence[str] = (),
    ) -> str:
        entry = {
            "Source": EVENT_SOURCE,
            "DetailType": detail_type,
            "Detail": json.dumps(detail),
            "Resources": list(resources),
        }
        answer = self.clients(region=region).client("events").put_events(Entries=[entry])
        if answer["FailedEntryCount"]:
            raise RuntimeError(f"the event was refused: {answer['Entries'][0]}")
        event_id: str = answer["Entries"][0]["EventId"]
        return event_id


@contextlib.contextmanager
def _sigterm_raises() -> Any:
    """End in order on SIGTERM, if nobody else has said what it does."""
    in_main_thread = threading.current_thread() is threading.main_thread()
    if not in_main_thread or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return

    def end(number: int, frame: FrameType | None) -> None:
        sys.exit(128 + number)

    signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
