"""For how long a refusal that can pass by itself (`CannotApplyError.passes`) is tried again before it is told as advice.

It can pass because something was made or changed just now, and what most of them are about is the target's stream. That may be
made long after settings were first applied, so the time counts from whichever came last.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from dynamodb_restore.aws import AwsError
from dynamodb_restore.instants import from_epoch, stream_label_time
from dynamodb_restore.settings.setting import Table, TableGoneError

WHILE_FOLLOWED = timedelta(minutes=10)
"""In a restore that is followed: twice what Terraform's AWS provider waits for permissions of a function to take effect
(github.com/hashicorp/terraform-provider-aws, internal/service/lambda, `lambdaPropagationTimeout`)."""

WHILE_WRITERS_WAIT = timedelta(minutes=3)
"""In a cutover: twice what Lambda is known to need for a stream that was just made, and no longer, because the writers stand
still."""


def may_pass(target: Table, since: datetime | None, window: timedelta, now: datetime) -> bool:
    """Whether it is so early that a refusal may still pass by itself.

    Args:
        target: what was refused something. Its stream may have been made by this very run, so ask anew at each refusal.
        since: when its settings were first applied; None where that is now.
    """
    if since is None or now - since < window:
        return True
    try:
        stream_made_at = from_epoch(stream_label_time(target.live_stream_arn or ""))
    except (*AwsError, TableGoneError):
        # The next try finds out.
        return True
    return now - stream_made_at < window
