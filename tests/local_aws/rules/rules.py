"""All rules, in their order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields

from .alarms import Alarms
from .authorization import Authorization, QueuePolicies
from .backup_jobs import RestoreJobs
from .faults import Faults
from .insights import ContributorInsights
from .integrations import Integrations
from .items import Batches
from .kinesis import KinesisDestinations
from .policies import ResourcePolicies
from .queues import FifoDeadLetters, QueueTriggers
from .recovery import RecoveryNotYetAvailable, RecoveryPeriod
from .replicas import Replicas
from .restores import RestoreNeedsRecovery, RestoreOverrides, Restores, RestoresAcrossRegions
from .rule import Ask, Request, Response, Rule
from .tables import OneChangeAtATime, TableUpdates, TimeToLive
from .tags import TableTags
from .throughput import OnDemandLimits, WarmThroughput
from .trail import Trail
from .triggers import Triggers
from .vector_indexes import VectorIndexes


@dataclass
class Rules:
    """All rules, as layers between the caller and the emulator, the outermost first.

    Requests pass them in this order and answers in the opposite one. So a fault that is given after the
    effect hides an answer that every other rule has already taken note of. A rule that refuses a request
    does so at once; one that carries it out itself stands for the emulator, and its answer passes the rules
    before it.
    """

    authorization: Authorization = field(default_factory=Authorization)
    queue_policies: QueuePolicies = field(default_factory=QueuePolicies)
    faults: Faults = field(default_factory=Faults)
    restores: Restores = field(default_factory=Restores)
    restore_needs_recovery: RestoreNeedsRecovery = field(default_factory=RestoreNeedsRecovery)
    restore_overrides: RestoreOverrides = field(default_factory=RestoreOverrides)
    recovery_not_yet_available: RecoveryNotYetAvailable = field(default_factory=RecoveryNotYetAvailable)
    recovery_period: RecoveryPeriod = field(default_factory=RecoveryPeriod)
    one_change_at_a_time: OneChangeAtATime = field(default_factory=OneChangeAtATime)
    replicas: Replicas = field(default_factory=Replicas)
    on_demand_limits: OnDemandLimits = field(default_factory=OnDemandLimits)
    warm_throughput: WarmThroughput = field(default_factory=WarmThroughput)
    vector_indexes: VectorIndexes = field(default_factory=VectorIndexes)
    table_updates: TableUpdates = field(default_factory=TableUpdates)
    time_to_live: TimeToLive = field(default_factory=TimeToLive)
    table_tags: TableTags = field(default_factory=TableTags)
    batches: Batches = field(default_factory=Batches)
    contributor_insights: ContributorInsights = field(default_factory=ContributorInsights)
    resource_policies: ResourcePolicies = field(default_factory=ResourcePolicies)
    kinesis_destinations: KinesisDestinations = field(default_factory=KinesisDestinations)
    triggers: Triggers = field(default_factory=Triggers)
    fifo_dead_letters: FifoDeadLetters = field(default_factory=FifoDeadLetters)
    queue_triggers: QueueTriggers = field(default_factory=QueueTriggers)
    alarms: Alarms = field(default_factory=Alarms)
    restore_jobs: RestoreJobs = field(default_factory=RestoreJobs)
    trail: Trail = field(default_factory=Trail)
    integrations: Integrations = field(default_factory=Integrations)
    restores_across_regions: RestoresAcrossRegions = field(default_factory=RestoresAcrossRegions)
    more: list[Rule] = field(default_factory=list)

    def all(self) -> list[Rule]:
        return [*(getattr(self, each.name) for each in fields(self) if each.name != "more"), *self.more]

    def answer(self, request: Request, ask: Ask, forward: Callable[[], Response]) -> Response:
        """The answer to a request, by a rule or by the emulator (`forward`)."""
        passed: list[Rule] = []
        for rule in (rule for rule in self.all() if rule.enabled):
            response = rule.before(request, ask)
            if response is not None:
                if not response.ok:
                    return response
                break
            passed.append(rule)
        else:
            response = forward()
        for rule in reversed(passed):
            response = rule.after(request, response, ask)
        return response

    def reset(self) -> None:
        for rule in self.all():
            rule.reset()
