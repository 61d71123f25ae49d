"""Capture cannot send, and says so to Lambda only.

Answering `batchItemFailures` is a successful invocation: the mapping reports `OK`, no error is counted, and the buffer
is empty. Cutover that looks then finds everything drained.
"""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from tests.hazards.capturing import invoke
from tests.unit.changes.house import House
from tests.unit.changes.makers import NOON, record


def test_it_says_since_when_and_why_for_as_long_as_it_lasts(capturing: House) -> None:
    batch = [record("order#1", 7), record("order#1", 8)]
    capturing.aws.fail("SendMessageBatch", "KMS.AccessDeniedException", "not your key", times=3)

    for _ in range(3):
        assert invoke(batch) == "7"
        # Another shard goes on meanwhile, or another invocation of this one.
        ((sequence, stuck),) = capturing.stuck.read().items()
        assert (sequence, stuck.since) == ("7", NOON)
        assert "not your key" in stuck.reason

    assert invoke([record("order#2", 3)]) is None
    assert capturing.stuck.read().keys() == {"7"}

    assert invoke(batch) is None
    assert capturing.stuck.read() == {}


def test_it_may_be_stuck_in_several_shards(capturing: House) -> None:
    capturing.aws.fail("SendMessageBatch", "AccessDenied", times=2)

    assert invoke([record("order#1", 7)]) == "7"
    assert invoke([record("order#2", 3)]) == "3"
    assert capturing.stuck.read().keys() == {"3", "7"}

    assert invoke([record("order#1", 7)]) is None
    assert capturing.stuck.read().keys() == {"3"}


@pytest.mark.filterwarnings("ignore:No application metrics to publish")
@pytest.mark.parametrize("code", ["ThrottlingException", "UnrecognizedClientException"])
def test_a_mark_that_cannot_be_cleared_brings_its_batch_back(capturing: House, code: str) -> None:
    """The stream would resume behind the record, and its mark would refuse every cutover until it expires."""
    batch = [record("order#1", 7), record("order#2", 8)]
    capturing.aws.fail("SendMessageBatch", "AccessDenied")
    assert invoke(batch) == "7"

    capturing.aws.fail("GetItem", code)
    with pytest.raises(ClientError):
        invoke(batch)

    assert invoke(batch) is None
    assert capturing.stuck.read() == {}
