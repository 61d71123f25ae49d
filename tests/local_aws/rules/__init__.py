"""What AWS does and the emulators do not, one small rule for each; by what the rules are about.

Numbers that are named `polls` count answers, not seconds: a test with `polls=3` sees the fourth answer
change, however fast or slow the machine is.
"""

from .alarms import by_name, children_of
from .backup_jobs import RestoreJob
from .faults import Faults
from .rule import ACCOUNT_ID, Request, Response, Rule
from .rules import Rules

__all__ = [
    "ACCOUNT_ID",
    "Faults",
    "Request",
    "Response",
    "RestoreJob",
    "Rule",
    "Rules",
    "by_name",
    "children_of",
]
