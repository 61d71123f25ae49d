"""A pipeline's part in a restore: claimed at the request, replaying from ACTIVE on, given back at the end.

Every step may be repeated: each first looks at the claim, which is the only truth about who owns what.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from dynamodb_restore.aws import AwsError, Clients, ErrorClass, classify, explain
from dynamodb_restore.changes.pipeline import CaptureMode, Claim, ClaimState, PipelineStore, Registration
from dynamodb_restore.changes.progress import Progress, ProgressStore, Side, lagging_groups
from dynamodb_restore.changes.window import Window
from dynamodb_restore.restore.request import RestoreRequest

if TYPE_CHECKING:
    from mypy_boto3_lambda.type_defs import EventSourceMappingConfigurationResponseTypeDef

STREAM_RETENTION = timedelta(hours=24)
"""How far back a stream reaches (docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html)."""

BUFFER_RETENTION = timedelta(days=14)
"""How long the FIFO buffer keeps a bundle: SQS's longest."""

LATEST_RESTORABLE_AGE = timedelta(minutes=15)
"""How far before the call "the latest" may lie; typically five minutes
(docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PointInTimeRecoveryDescription.html). Replaying from too
early writes what is there already; from too late would lose changes."""


@dataclass(frozen=True)
class Buffer:
    """Messages in the buffer, as SQS counts them (approximately)."""

    waiting: int
    in_flight: int


_SHOWN_OBJECTS = 3


@dataclass(frozen=True)
class ChangesGivenUp:
    """What capture gave up and Lambda put into the failure bucket, an object for each batch of records.

    Attributes:
        objects: how many there are.
        first: the URIs of the first few.
        unknown: why it could not be looked; None where it could.
    """

    objects: int = 0
    first: tuple[str, ...] = ()
    unknown: str | None = None


@dataclass(frozen=True)
class Handover:
    """The pipelines of this account and region, seen from restores.

    Attributes:
        now: the present instant, aware.
    """

    clients: Clients
    pipelines: PipelineStore
    restore_table: str
    now: Callable[[], datetime]

    def begin(self, request: RestoreRequest, restore_id: str, restored_to: datetime | None) -> Claim | None:
        """Claim the pipeline of the request's source, if it has one, and start capturing.

        Args:
            restored_to: the restore point as AWS told it; None where it has not.

        Returns:
            The claim that holds, which is another restore's where that was first; None without a pipeline,
            or where the pipeline does not admit this target.
        """
        source = request.source.name
        pipeline = self.pipelines.registration(source)
        if pipeline is None or not pipeline.admits(request.target.name):
            return None
        restore_point = restored_to or request.restore_point or request.requested_at - LATEST_RESTORABLE_AGE
        wanted = Claim(
            restore_id=restore_id,
            target=request.target.name,
            state=ClaimState.CAPTURING,
            claimed_at=self.now(),
            window=Window(int(restore_point.timestamp())),
        )
        claim: Claim | None = self.pipelines.take(source, wanted)
        if _is_capturing(claim, restore_id):
            self._switch(pipeline.capture_mapping, enabled=True)
        while claim is not None and _is_capturing(claim, restore_id) and claim.covered_from is None:
            covered = replace(claim, covered_from=self._covered_from(pipeline))
            claim = self.pipelines.update(source, covered) or self.pipelines.claim(source)
        return claim

    def start_replay(self, source: str, claim: Claim, restored_to: datetime | None) -> Claim | None:
        """Let the buffered changes flow into the target, which is ACTIVE now.

        Args:
            claim: as it was before the settings were applied, which takes minutes: a person may have chosen
                a window or abandoned the restore meanwhile.
            restored_to: the restore point where AWS told it after the claim was taken.

        Returns:
            The claim as it is now; None where the restore is not replaying after all.
        """
        pipeline = self.pipeline(source)
        current = self.pipelines.claim(source)
        while current is not None and _is_capturing(current, claim.restore_id):
            if restored_to is not None and not current.window_chosen:
                current = replace(current, window=Window(int(restored_to.timestamp())))
            replaying = replace(current, state=ClaimState.REPLAYING)
            current = self.pipelines.update(source, replaying) or self.pipelines.claim(source)
        if current is None or current.restore_id != claim.restore_id:
            return None
        if current.state is not ClaimState.REPLAYING:
            return None
        self._switch(pipeline.replay_mapping, enabled=True)
        return current

    def fence(self, source: str, claim: Claim, state: ClaimState) -> Claim | None:
        """Stop replay at once, before its mapping is seen to be disabled: replay writes under `replaying` only.

        Returns:
            The claim as it now holds; None where it has changed since it was read, so that nothing was done.
        """
        return self.pipelines.update(source, replace(claim, state=state))

    def end(self, source: str, claim: Claim, *, replayed: bool) -> None:
        """Switch replay off, and capture where it ran for this restore only, and release the pipeline.

        Args:
            replayed: whether changes went into the target, so that the buffer no longer has them.
        """
        pipeline = self.pipeline(source)
        current = self.pipelines.claim(source)
        if current is None or current.restore_id != claim.restore_id:
            # Ended by an earlier try. The mappings may serve another restore by now.
            return
        self._switch(pipeline.replay_mapping, enabled=False)
        if pipeline.mode is CaptureMode.ON_RESTORE:
            self._switch(pipeline.capture_mapping, enabled=False)
            # What was captured so far says nothing about what comes after this pause.
            self._progress_store(pipeline).forget_since()
        self.pipelines.release(source, claim, consumed_until=self.now() if replayed else None)

    def progress(self, source: str) -> tuple[Progress, Progress]:
        """How far capture and replay have come."""
        store = self._progress_store(self.pipeline(source))
        # Replayed is read first: a bundle that arrives in between makes the answer too cautious, not too bold.
        replayed = store.read(Side.REPLAYED)
        return store.read(Side.CAPTURED), replayed

    def not_drained(self, source: str) -> list[str]:
        """Why the buffer is not known to be empty; nothing where it is."""
        pipeline = self.pipeline(source)
        reasons = []
        captured, replayed = self.progress(source)
        if lagging := lagging_groups(captured, replayed):
            reasons.append(f"{len(lagging)} groups have captured changes that are not replayed yet")
        buffer = self.buffer(pipeline)
        if buffer.waiting or buffer.in_flight:
            reasons.append(
                f"the buffer holds {buffer.waiting} messages waiting and {buffer.in_flight} in flight"
            )
        for name, mapping_id in (("capture", pipeline.capture_mapping), ("replay", pipeline.replay_mapping)):
            mapping = self.mapping(mapping_id)
            if mapping.get("State") != "Enabled":
                reasons.append(f"the {name} mapping is {mapping.get('State')}")
            elif "PROBLEM" in mapping.get("LastProcessingResult", ""):
                reasons.append(f"the {name} mapping reports {mapping['LastProcessingResult']}")
        return reasons

    def buffer(self, pipeline: Registration) -> Buffer:
        """The buffer's depth."""
        attributes = self._attributes(pipeline.buffer_url)
        waiting = int(attributes["ApproximateNumberOfMessages"]) + int(
            attributes["ApproximateNumberOfMessagesDelayed"]
        )
        return Buffer(waiting, int(attributes["ApproximateNumberOfMessagesNotVisible"]))

    def set_aside(self, pipeline: Registration) -> int:
        """How many bundles are on the FIFO DLQ."""
        return int(self._attributes(pipeline.buffer_dead_letter_url)["ApproximateNumberOfMessages"])

    def given_up(self, pipeline: Registration, since: int) -> ChangesGivenUp | None:
        """What capture gave up from an instant on: changes that will never be in the buffer by themselves.

        Lambda names the objects `aws/lambda/MAPPING/SHARD/YYYY/MM/DD/…`
        (docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html), by shard before time, so no key to start
        after would leave out the old ones only. In the usual case there is nothing to list. A change is given up
        after it was written, so none from `since` on is in an older object; a newer one may hold older changes.

        To be asked after the mapping: capture goes on only once what it gave up is in the bucket, and the other way
        round both could be looked at before it is (listing shows every object that was written before:
        docs.aws.amazon.com/AmazonS3/latest/userguide/Welcome.html#ConsistencyModel).

        Args:
            since: epoch seconds.

        Returns:
            None where the registration does not tell the bucket.

        Raises:
            ClientError, BotoCoreError: the same call can succeed later.
        """
        if pipeline.failure_bucket is None:
            return None
        objects, first = 0, list[str]()
        try:
            pages = self.clients.s3.get_paginator("list_objects_v2").paginate(
                Bucket=pipeline.failure_bucket, Prefix=f"aws/lambda/{pipeline.capture_mapping}/"
            )
            for page in pages:
                # S3 tells times to the second, as the window does.
                keys = [
                    found["Key"]
                    for found in page.get("Contents", [])
                    if found["LastModified"].timestamp() >= since
                ]
                objects += len(keys)
                first += [
                    f"s3://{pipeline.failure_bucket}/{key}" for key in keys[: _SHOWN_OBJECTS - len(first)]
                ]
        except AwsError as error:
            # A bucket that nobody may list any more must not stand in the way of a cutover that is forced.
            if classify(error) is ErrorClass.RETRY:
                raise
            return ChangesGivenUp(unknown=explain(error))
        return ChangesGivenUp(objects, tuple(first))

    def mapping(self, mapping_id: str) -> EventSourceMappingConfigurationResponseTypeDef:
        """An event source mapping as Lambda has it."""
        return self.clients.lambda_.get_event_source_mapping(UUID=mapping_id)

    def _progress_store(self, pipeline: Registration) -> ProgressStore:
        return ProgressStore(self.clients, self.restore_table, pipeline.source, pipeline.buffer_id)

    def pipeline(self, source: str) -> Registration:
        """The pipeline of a source that a restore uses.

        Raises:
            NoPipelineError: there is none any more.
        """
        pipeline = self.pipelines.registration(source)
        if pipeline is None:
            raise NoPipelineError(
                f"{source} has no pipeline: its module was destroyed while a restore used it"
            )
        return pipeline

    def _attributes(self, queue_url: str) -> dict[str, str]:
        answer = self.clients.sqs.get_queue_attributes(
            QueueUrl=queue_url,
            AttributeNames=[
                "ApproximateNumberOfMessages",
                "ApproximateNumberOfMessagesDelayed",
                "ApproximateNumberOfMessagesNotVisible",
            ],
        )
        return answer["Attributes"]  # type: ignore[return-value]

    def _switch(self, mapping_id: str, *, enabled: bool) -> None:
        settled = ("Enabled", "Enabling") if enabled else ("Disabled", "Disabling")
        if self.mapping(mapping_id).get("State") not in settled:
            self.clients.lambda_.update_event_source_mapping(UUID=mapping_id, Enabled=enabled)

    def _covered_from(self, pipeline: Registration) -> int:
        """From when on every change of the source is, or will be, in the buffer."""
        starts = [self.pipelines.consumed_until(pipeline.source) or 0, self._stream_made(pipeline)]
        if pipeline.mode is CaptureMode.ALWAYS:
            captured, _ = self.progress(pipeline.source)
            since = captured.since
            starts.append(int((self.now() - BUFFER_RETENTION).timestamp()))
            if since is not None and since < int((self.now() - STREAM_RETENTION).timestamp()):
                return max(*starts, since)
        starts.append(int((self.now() - STREAM_RETENTION).timestamp()))
        return max(starts)

    def _stream_made(self, pipeline: Registration) -> int:
        """When the stream that capture reads was made: its label is that instant
        (docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TableDescription.html, LatestStreamLabel)."""
        arn = self.mapping(pipeline.capture_mapping).get("EventSourceArn", "")
        label = arn.rpartition("/")[2]
        try:
            return int(datetime.fromisoformat(f"{label}+00:00").timestamp())
        except ValueError:
            return 0


def _is_capturing(claim: Claim | None, restore_id: str) -> bool:
    return claim is not None and claim.restore_id == restore_id and claim.state is ClaimState.CAPTURING


class NoPipelineError(Exception):
    """The source table has no pipeline; the text says which and what that means."""
