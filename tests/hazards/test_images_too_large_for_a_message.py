"""An item of 390 KB, which no message holds.

It used to travel as its key, and replay read the item as it was by then: a later state, perhaps one from after the end
of the window that a person chose.
"""

from __future__ import annotations

import base64
import random
from typing import Any

from dynamodb_restore.changes.change import Kind
from dynamodb_restore.changes.failure_bucket import FailureBucket
from tests.hazards.capturing import changes, invoke
from tests.unit.changes.house import FAILURES, House
from tests.unit.changes.makers import record


def _of_390_kb(sequence: int) -> dict[str, Any]:
    """Does not compress."""
    blob = base64.b64encode(random.Random(sequence).randbytes(390_000)).decode()
    return record("order#1", sequence, blob={"B": blob}, total={"N": "1.10"}, note={"S": "ä\n😀"})


def test_each_version_of_the_item_is_kept_exactly_as_it_was(capturing: House) -> None:
    versions = [_of_390_kb(1), _of_390_kb(2)]

    assert invoke(versions) is None

    found = changes(capturing)
    assert [change.kind for change in found] == [Kind.OBJECT, Kind.OBJECT]
    bucket = FailureBucket(capturing.clients, FAILURES, "images/demo-orders/")
    assert [bucket.image(change.image_object or "") for change in found] == [
        version["dynamodb"]["NewImage"] for version in versions
    ]
    # Nothing of it counts as given up.
    assert all(name.startswith("images/") for _, name in capturing.aws.objects.contents)


def test_no_message_names_an_image_that_is_not_there(capturing: House) -> None:
    capturing.aws.fail("PutObject", "SlowDown", status=503)

    assert invoke([_of_390_kb(1)]) == "1"
    assert changes(capturing) == []

    assert invoke([_of_390_kb(1)]) is None
    (change,) = changes(capturing)
    assert (FAILURES, f"images/demo-orders/{change.image_object}") in capturing.aws.objects.contents


def test_a_bucket_that_takes_no_images_does_not_stop_capture(capturing: House) -> None:
    capturing.aws.fail("PutObject", "AccessDenied")

    assert invoke([_of_390_kb(1)]) is None

    (change,) = changes(capturing)
    assert change.kind is Kind.READ
