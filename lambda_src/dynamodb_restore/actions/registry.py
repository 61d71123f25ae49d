"""All operator actions, in the order in which the documentation lists them."""

from __future__ import annotations

from dynamodb_restore.actions import abandon, bring_in, cutover, release, repair, status, window
from dynamodb_restore.actions.action import Action

ACTIONS: tuple[Action, ...] = (
    status.ACTION,
    cutover.ACTION,
    abandon.ACTION,
    repair.ACTION,
    bring_in.ACTION,
    window.ACTION,
    release.ACTION,
)
