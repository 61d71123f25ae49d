"""Whether capture reads the table's stream as it is now: every way in which it does not, and how to mend it."""

from __future__ import annotations

from typing import Any, cast

import pytest

from dynamodb_restore.pipeline.registration import CaptureMode, Registration
from dynamodb_restore.pipeline.stream_check import misdirected
from tests.unit.changes.house import CAPTURE, STREAM
from tests.unit.fakes import function_arn

NEW_STREAM = STREAM.replace("2026-11-01", "2026-11-22")
INSERTS = '{"eventName": ["INSERT"], "dynamodb": {"Keys": {"id": {"S": [{"prefix": "a"}]}}}}'
MODIFIES = '{"eventName": ["MODIFY"]}'

REGISTRATION = Registration(
    source="orders",
    mode=CaptureMode.ALWAYS,
    capture_mapping=CAPTURE,
    replay_mapping="replay",
    buffer_url="buffer",
    buffer_dead_letter_url="aside",
    buffer_id="buffer-1",
    target_patterns=("*",),
    failure_bucket="failures",
    image_prefix="images/",
    capture_function=function_arn("capture"),
    replay_function=function_arn("replay"),
    upkeep_function=function_arn("upkeep"),
    stream_arn=STREAM,
    stream_has_new_images=True,
    filters=(INSERTS, MODIFIES),
    batching_window_seconds=1,
    replay_timeout_seconds=60,
)

TABLE = {"StreamSpecification": {"StreamEnabled": True}, "LatestStreamArn": STREAM}

# Lambda gives the patterns in an order of its own, and the text may have been written anew.
MAPPING = {
    "EventSourceArn": STREAM,
    "FunctionArn": function_arn("capture"),
    "FilterCriteria": {
        "Filters": [
            {"Pattern": MODIFIES},
            {
                "Pattern": '{"dynamodb":{"Keys":{"id":{"S":[{"prefix":"a"}]}}},"eventName":["INSERT"]}',
            },
        ]
    },
}


def check(mapping: dict[str, Any] | None, table: dict[str, Any] | None) -> str | None:
    return misdirected(cast("Any", mapping), cast("Any", table), REGISTRATION)


def test_a_mapping_as_terraform_made_it_reads_the_tables_stream() -> None:
    assert check(MAPPING, TABLE) is None


@pytest.mark.parametrize(
    ("mapping", "table", "reason"),
    [
        (MAPPING, None, "table orders does not exist any more: take its pipeline out of the configuration"),
        (None, TABLE, f"the capture mapping {CAPTURE} does not exist any more"),
        (MAPPING, {}, "the stream of orders is switched off: switch it on again"),
        # A stream that is off is shown for a day.
        (
            MAPPING,
            {**TABLE, "StreamSpecification": {"StreamEnabled": False}},
            "the stream of orders is switched off",
        ),
        (
            MAPPING,
            {**TABLE, "LatestStreamArn": NEW_STREAM},
            f"capture reads {STREAM}, and the stream of orders is {NEW_STREAM} now",
        ),
        (
            {**MAPPING, "EventSourceArn": NEW_STREAM},
            {**TABLE, "LatestStreamArn": NEW_STREAM},
            f"the pipeline is registered with {STREAM}, and the stream of orders is {NEW_STREAM} now",
        ),
        (
            {**MAPPING, "FunctionArn": function_arn("other")},
            TABLE,
            f"the capture mapping invokes {function_arn('other')} and not {function_arn('capture')}",
        ),
        (
            {**MAPPING, "FilterCriteria": {"Filters": [{"Pattern": INSERTS}]}},
            TABLE,
            "the filter of the capture mapping is not the one",
        ),
        (
            {key: value for key, value in MAPPING.items() if key != "FilterCriteria"},
            TABLE,
            "the filter of the capture mapping is not the one",
        ),
        (
            {**MAPPING, "FilterCriteria": {"Filters": [{"Pattern": "no JSON"}]}},
            TABLE,
            "the filter of the capture mapping is not the one",
        ),
        (
            {**MAPPING, "FilterCriteriaError": {"ErrorCode": "KMSAccessDeniedException"}},
            TABLE,
            "the filter of the capture mapping cannot be read",
        ),
    ],
)
def test_what_differs_is_said_with_how_to_mend_it(
    mapping: dict[str, Any] | None, table: dict[str, Any] | None, reason: str
) -> None:
    found = check(mapping, table)

    assert found is not None
    assert found.startswith(reason)
    assert "run `terraform apply`" in found
