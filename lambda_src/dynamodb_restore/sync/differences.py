"""What becomes of a difference before it is carried out: its words, and what cannot be used from another region."""

from __future__ import annotations

import json
import re
from dataclasses import replace

from dynamodb_restore.settings.names import with_table
from dynamodb_restore.settings.setting import Difference, State, Step


def naming_target(difference: Difference, target: str) -> Difference:
    """A difference in the words of people, who know the target by its name. Portable states know no name."""
    return Difference(
        tuple(replace(step, summary=with_table(step.summary, target)) for step in difference.steps),
        tuple(with_table(conflict, target) for conflict in difference.conflicts),
        tuple(with_table(omission, target) for omission in difference.omitted),
        tuple(with_table(step, target) for step in difference.waiting),
        tuple(with_table(line, target) for line in difference.chosen),
    )


def without_foreign_steps(difference: Difference, region: str) -> Difference:
    """Leave out the steps that name something in the source's region: functions, streams, topics, keys.

    Services refer to these in their own region only; the ones of that name here, if there are any, may be others.
    """
    kept: list[Step] = []
    omitted = list(difference.omitted)
    for step in difference.steps:
        foreign = _arns_in(step.payload, region)
        if foreign:
            omitted.append(f"{step.summary}: {', '.join(foreign)} cannot be used from another region")
        else:
            kept.append(step)
    return replace(difference, steps=tuple(kept), omitted=tuple(omitted))


def _arns_in(payload: State, region: str) -> list[str]:
    found = re.findall(rf"arn:[a-z-]+:[a-z0-9-]+:{re.escape(region)}:[^\"\\\s]+", json.dumps(payload))
    return sorted(set(found))
