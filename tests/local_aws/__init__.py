"""The local AWS: two emulators behind one gateway that behaves as AWS does. See README.md."""

from .calls import Call, CallLog
from .gateway import Gateway
from .local_aws import EVENT_SOURCE, REGION, Clients, LocalAws, Restore
from .processes import StartError
from .rules import ACCOUNT_ID, Rules

__all__ = [
    "ACCOUNT_ID",
    "EVENT_SOURCE",
    "REGION",
    "Call",
    "CallLog",
    "Clients",
    "Gateway",
    "LocalAws",
    "Restore",
    "Rules",
    "StartError",
]
