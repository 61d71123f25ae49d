"""All searches, in the order in which their findings are reported."""

from __future__ import annotations

from dynamodb_restore.findings.backup_selections import BackupSelections
from dynamodb_restore.findings.cloudformation_stack import CloudFormationStack
from dynamodb_restore.findings.dashboards import Dashboards
from dynamodb_restore.findings.data_sources import DataSources
from dynamodb_restore.findings.finding import CataloguedSearch
from dynamodb_restore.findings.function_environments import FunctionEnvironments
from dynamodb_restore.findings.identity_policies import IdentityPolicies
from dynamodb_restore.findings.ingestion_pipelines import IngestionPipelines
from dynamodb_restore.findings.mapping_alarms import MappingAlarms
from dynamodb_restore.findings.parameters import Parameters
from dynamodb_restore.findings.pipes import Pipes
from dynamodb_restore.findings.state_machines import StateMachines
from dynamodb_restore.findings.trail_data_events import TrailDataEvents
from dynamodb_restore.findings.vpc_endpoint_policies import VpcEndpointPolicies
from dynamodb_restore.findings.zero_etl_integrations import ZeroEtlIntegrations

# The longest search comes last, so that it takes no time from the others.
SEARCHES: tuple[CataloguedSearch, ...] = (
    CloudFormationStack(),
    Pipes(),
    ZeroEtlIntegrations(),
    VpcEndpointPolicies(),
    TrailDataEvents(),
    MappingAlarms(),
    BackupSelections(),
    Dashboards(),
    DataSources(),
    FunctionEnvironments(),
    IngestionPipelines(),
    IdentityPolicies(),
    StateMachines(),
    Parameters(),
)
