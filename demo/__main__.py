"""Two restores on a local AWS, from `terraform apply` to the reports: `make demo`.

Starts the local AWS and applies examples/near-zero-downtime as it stands with the real AWS provider. In the first act
a table with every setting is restored, and gets its settings back. In the second one a table is restored that is
written all the while, and the restored one ends up with the same items. Contacts nothing but this machine, and leaves
nothing on it. Ends with 0 only if both acts hold.
"""

from __future__ import annotations

import json
import sys
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from demo.deploy import DemoError, Terraform, lock_file_left_alone
from demo.replay_story import Operator, ReplayStory
from demo.shop import KINDS, Comparison, Items, Writer, make_carts_table, read_items, size
from demo.show import Show, cells
from demo.worker_story import TIMEOUT_SECONDS, WorkerStory
from tests.local_aws import EVENT_SOURCE, LocalAws, StartError
from tests.local_aws.compare import SETTINGS, Settings, differing, read_settings
from tests.local_aws.source_table import SourceTable, make_estate, make_references, make_source_table

EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "near-zero-downtime"
ORDERS, CARTS = "orders", "carts"
FAILURES = "shop-carts-failures"
POLLS = 2
RESTORE_POINT_AGE = timedelta(seconds=20)
SETTLE_SECONDS = 10


def main() -> int:
    show = Show()
    show.title(
        "Restore DynamoDB tables, get their settings back, and lose no write",
        "A DynamoDB restore brings back the data and forgets the rest: the settings, and whatever is written while it "
        "runs. This demo restores two tables on a local AWS and lets the module bring back both. No AWS account is "
        "involved; it takes about three minutes, a third of them the AWS provider's own waiting for queues.",
    )
    try:
        with (
            LocalAws() as aws,
            tempfile.TemporaryDirectory(prefix="demo-") as scratch,
            lock_file_left_alone(EXAMPLE),
        ):
            said = _demo(show, aws, Path(scratch))
    except (DemoError, StartError, TimeoutError, ClientError, BotoCoreError) as error:
        show.verdict(f"The demo failed, and everything that was started is stopped: {error}", good=False)
        return 2
    except KeyboardInterrupt:
        show.verdict("Interrupted; everything that was started is stopped.", good=False)
        return 130
    for text, good in said:
        show.verdict(text, good=good)
    return 0 if all(good for _, good in said) else 1


@dataclass(frozen=True)
class Stage:
    """What both acts play on."""

    show: Show
    aws: LocalAws
    outputs: dict[str, Any]
    inbox: str
    received: dict[str, str] = field(default_factory=dict)

    def report(self, target: str, result: str) -> str | None:
        """The report with this result on the restore into `target`, as its text; None while it is not there."""
        sqs = self.aws.clients().sqs
        messages = sqs.receive_message(QueueUrl=self.inbox, MaxNumberOfMessages=10).get("Messages", [])
        for message in messages:
            sqs.delete_message(QueueUrl=self.inbox, ReceiptHandle=message["ReceiptHandle"])
            notification = json.loads(message["Body"])
            self.received[notification["Subject"]] = notification["Message"]
        subjects = (subject for subject in self.received if subject.endswith(f"-> {target}"))
        return next((self.received[subject] for subject in subjects if f" {result}: " in subject), None)


def _demo(show: Show, aws: LocalAws, scratch: Path) -> list[tuple[str, bool]]:
    show.step(
        f"Make two tables, {ORDERS} and {CARTS}",
        f"{ORDERS} has nearly every setting, in the forms that a careless copy loses: a disabled trigger, zero "
        "retries, an empty tag, a suspended scaling process, an alarm made of other alarms; and a backup plan and a "
        f"dashboard name it. {CARTS} has a stream, and items that are hard to carry: binary values, sets, nested "
        "values, items of up to 290 KB.",
    )
    estate = make_estate(aws)
    orders = make_source_table(aws, ORDERS, estate, warm=False)
    make_references(aws, orders)
    make_carts_table(aws, CARTS, estate)
    writer = Writer(aws, CARTS)
    writer.fill()
    aws.client("s3").create_bucket(Bucket=FAILURES)
    show.note(f"{ORDERS} is there, with {len(orders.settings)} settings to clone")
    show.note(f"{CARTS} is there, with {writer.changes} items")
    with writer.writing():
        show.note(f"a writer begins to put, update and delete items of {CARTS}, and goes on until cutover")
        terraform = _deploy(show, aws, scratch)
        outputs = terraform.outputs()
        stage = Stage(show, aws, outputs, _subscribe(aws, outputs["topic_arn"]))
        show.note(f"a restore is followed for {outputs['wait']['shortest']['text']} at least")
        said = [_settings_come_back(stage, orders), _no_write_is_lost(stage, writer)]
    show.step("Destroy", "terraform destroy takes away what terraform apply made; then the local AWS stops.")
    terraform.destroy()
    return said


def _deploy(show: Show, aws: LocalAws, scratch: Path) -> Terraform:
    show.step(
        "Deploy: terraform apply of examples/near-zero-downtime, as it stands",
        "The real AWS provider talks to the local AWS as it would to yours. From here on every restore in the "
        f"account is followed, and {CARTS} has a change pipeline: at rest, it runs nothing and costs nothing.",
    )
    variables = {
        "table": CARTS,
        "target_patterns": [f"{CARTS}-*"],
        "event_sources": [EVENT_SOURCE],
        "failure_bucket": {"create": False, "arn": f"arn:aws:s3:::{FAILURES}"},
    }
    terraform = Terraform(aws, EXAMPLE, scratch, show, variables)
    terraform.init()
    terraform.apply()
    return terraform


# --- the first act ---


def _settings_come_back(stage: Stage, orders: SourceTable) -> tuple[str, bool]:
    show, aws = stage.show, stage.aws
    source_name, target = orders.name, f"{orders.name}-restored"
    show.act("First act: the settings come back")
    show.step(
        f"Restore {source_name} to {target}",
        "CloudTrail records the restore call, EventBridge sends the event to the module's queue, the worker takes "
        f"it from there. A real restore takes minutes to hours; here the table is CREATING for {POLLS} attempts.",
    )
    wanted = read_settings(aws.clients(), source_name)
    story = WorkerStory(show, aws, stage.outputs, target)
    restore = aws.restore(source_name, target, polls=POLLS)
    show.note(f"RestoreTableToPointInTime: {target} is CREATING")
    before = read_settings(aws.observer(), target)

    def finished() -> str | None:
        story.tell_new()
        report = stage.report(target, "synced") or stage.report(target, "incomplete")
        return report if report and story.idle() else None

    report = aws.wait_until(finished, timeout=TIMEOUT_SECONDS, what="the worker's report")
    story.end()

    show.step(
        "Compare",
        "Read through the AWS API and not by the worker: the source, the table as the restore alone leaves it, and "
        "the table after the worker was there.",
    )
    source, after = read_settings(aws.clients(), source_name), read_settings(aws.clients(), target)
    _compare_settings(stage, orders, source, before, after)

    show.step(
        "Read the report",
        "As it goes out to whoever subscribes to the topic; this one was received there. At its end is what cannot be "
        "cloned, because it belongs to others.",
    )
    show.quote(report)

    show.step(
        "Deliver the same event once more",
        "Queues deliver at least once: a second delivery must change nothing.",
    )
    calls = story.second_delivery(restore.detail)
    changing = [call for call in calls if call.mutating]
    show.note(
        f"the worker made {len(calls)} AWS calls; {len(changing)} of them change anything", good=not changing
    )
    if source == wanted and not differing(source, after) and not changing:
        return f"All {len(orders.settings)} settings of {target} equal those of {source_name}.", True
    return f"{target} is not like {source_name}. See the first act.", False


def _compare_settings(
    stage: Stage, orders: SourceTable, source: Settings, before: Settings, after: Settings
) -> None:
    readings = [cells(settings) for settings in (source, before, after)]
    shown = [setting for setting in SETTINGS if setting in orders.settings]
    rows = {setting: [reading[setting] for reading in readings] for setting in shown}
    same = {setting: source[setting] == after[setting] for setting in shown}
    stage.show.compare([f"source: {ORDERS}", "restored, before", "restored, after"], rows, same)


def _subscribe(aws: LocalAws, topic_arn: str) -> str:
    """A queue that gets what every subscriber of the topic gets; returns its URL."""
    url, arn = aws.listening_queue("on-call")
    aws.clients().sns.subscribe(TopicArn=topic_arn, Protocol="sqs", Endpoint=arn)
    return url


# --- the second act ---


def _no_write_is_lost(stage: Stage, writer: Writer) -> tuple[str, bool]:
    show, aws = stage.show, stage.aws
    source, target = CARTS, f"{CARTS}-restored"
    operator = Operator(aws, stage.outputs, source)
    replay = ReplayStory(show, operator, writer)
    show.act("Second act: no write is lost")
    show.step(
        f"Restore {source} to {target}, while it is written",
        "The restore claims the table's pipeline. Capture begins with what the stream still has from before; what "
        "is newer than the restore point is replayed once the new table is ACTIVE. The counters are what the "
        "operator function says when asked for the status.",
    )
    captured = operator.ask("status")["capture"]["changes"]
    show.note(f"{writer.changes} changes of {source} are written so far, {captured} of them captured")
    story = WorkerStory(show, aws, stage.outputs, target)
    restore_point = datetime.now(UTC) - RESTORE_POINT_AGE
    aws.restore(source, target, polls=POLLS, RestoreDateTime=restore_point)
    show.note(f"RestoreTableToPointInTime: {target} is CREATING")
    before = read_items(aws.observer(), target)
    replay.follow(story)

    show.step(
        "Cut over, too early",
        f"Somebody cannot wait: not everything is replayed, and {source} is still written.",
    )
    refused = replay.too_early(SETTLE_SECONDS)
    replay.catch_up(story)

    show.step(
        "Stop the writer, and cut over",
        "From here on nobody writes: this is the pause that users notice. The last changes are captured and "
        f"replayed, nothing new comes for {SETTLE_SECONDS} s, and the settings that had to wait are applied. Capture "
        "stays on for some minutes, to see a writer that was forgotten; here that is ended at once.",
    )
    pause, answer = replay.cut_over(SETTLE_SECONDS)
    show.note(f"cut over; write pause {pause:.1f} s", good=True)
    show.note(str(operator.ask("abandon")["released"]))
    at_rest = _at_rest(stage, operator)

    show.step(
        "Compare every item",
        f"Scans of {source}, of {target} as the restore alone left it, and of {target} now. Written in all: "
        + ", ".join(f"{count} {what}" for what, count in writer.made.most_common())
        + ".",
    )
    now, after = read_items(aws.clients(), source), read_items(aws.clients(), target)
    same = _compare_items(stage, writer, now, before, after)

    show.step(
        "Read the cutover's report",
        "Triggers, the Kinesis destination and time to live waited for cutover: they must act on what users write, "
        "and not on what is replayed.",
    )
    report = aws.wait_until(
        lambda: stage.report(target, answer["result"]), timeout=TIMEOUT_SECONDS, what="the cutover's report"
    )
    show.quote(report)
    holds = {
        "an item differs": same,
        "a setting differs": _same_settings(stage, source, target),
        "a cutover was not refused that should have been": refused,
        "the pipeline still runs": at_rest,
        f"the report says {answer['result']}": answer["result"] == "synced",
    }
    if all(holds.values()):
        told = f"All {len(now)} items of {target} equal those of {source} after {writer.changes} changes"
        return f"{told}; write pause {pause:.1f} s.", True
    problems = "; ".join(problem for problem, held in holds.items() if not held)
    return (
        f"{target} did not take over from {source} as it should have: {problems}. See the second act.",
        False,
    )


def _at_rest(stage: Stage, operator: Operator) -> bool:
    """Whether the pipeline is free, and runs nothing."""
    state: str = operator.ask("status")["state"]
    lambda_ = stage.aws.clients().lambda_
    mappings = {
        name: lambda_.get_event_source_mapping(UUID=uuid)["State"]
        for name, uuid in stage.outputs["pipeline"]["mappings"].items()
    }
    at_rest = state == "idle" and set(mappings.values()) == {"Disabled"}
    told = ", ".join(f"{name} {mapping.lower()}" for name, mapping in mappings.items())
    stage.show.note(f"the pipeline is {state}: {told}", good=at_rest)
    return at_rest


def _same_settings(stage: Stage, source: str, target: str) -> bool:
    """Whether the target has the source's settings; capture, which is the pipeline's own, is none of them."""
    clients = stage.aws.clients()
    wanted, found = read_settings(clients, source), read_settings(clients, target)
    capture = stage.outputs["pipeline"]["functions"]["capture"]["arn"]
    wanted["stream_triggers"] = [
        trigger for trigger in wanted["stream_triggers"] if trigger["FunctionArn"] != capture
    ]
    different = differing(wanted, found)
    told = f"all but {', '.join(different)}" if different else f"all {len(SETTINGS)}"
    stage.show.note(f"settings of {target} that equal those of {source}: {told}", good=not different)
    return not different


def _compare_items(stage: Stage, writer: Writer, source: Items, before: Items, after: Items) -> bool:
    as_restored, now = Comparison.of(source, before), Comparison.of(source, after)
    everything = source.keys() | before.keys() | after.keys()
    parts = {"all items": everything} | {
        kind: {name for name, item in source.items() if belongs(item)} for kind, belongs in KINDS.items()
    }
    rows = {
        part: [[f"{len(names & source.keys()):>4} items"], as_restored.cells(names), now.cells(names)]
        for part, names in parts.items()
    }
    rows["all items"][0].append(f"{len(writer.deleted):>4} deleted")
    same = {part: now.equal >= names & source.keys() for part, names in parts.items()}
    same["all items"] = now.same
    stage.show.compare([f"source: {CARTS}", "restored, before", "restored, after"], rows, same)
    largest = max(size(item) for item in source.values())
    stage.show.note(f"the largest item has {largest / 1000:.0f} KB")
    return all(same.values())


if __name__ == "__main__":
    sys.exit(main())
