"""What one delivery keeps of the function's time, as multiples of what a call can cost (`aws.CALL_SECONDS`).

One endpoint that does not answer may cost any part of a delivery a call, and never the delivery.
"""

from __future__ import annotations

from dynamodb_restore.aws import CALL_SECONDS

QUEUE_SECONDS = CALL_SECONDS
"""For what becomes of the message: one call to SQS."""

ENDING_SECONDS = QUEUE_SECONDS + 2 * CALL_SECONDS
"""For what follows the work: the report and the record. A call of these that fails ends the delivery; one that takes long
and succeeds leaves time for the next."""

AFTER_A_WAIT_SECONDS = ENDING_SECONDS + CALL_SECONDS
"""Left when nothing is waited for any more: what follows the work, and the call that was waited for."""
