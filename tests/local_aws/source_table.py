"""Source tables that have every setting, each in its most awkward form, and what the settings point at.

Awkward means: values that a careless copy loses. Zero retries, a disabled trigger, an empty tag, a
suspended scaling process, a recovery period that is not the default. Capacity that scales and limits on
demand exclude each other, so there are two tables; the alarms are in alarms.py.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from .alarms import alarms_of, make_alarms, make_maintenance_alarm
from .local_aws import Clients, LocalAws

if TYPE_CHECKING:
    from mypy_boto3_application_autoscaling.literals import MetricTypeType, ScalableDimensionType

INDEX = "by-customer"
TTL_ATTRIBUTE = "expires_at"
RECOVERY_DAYS = 7
ITEMS = 25
ALARMS_PER_CALL = 100
REPLICA_REGION = "eu-central-1"
# For what takes a second or two: a busy machine may take a hundred times as long.
PATIENCE_SECONDS = 300.0
PARTNER_ACCOUNT = "210987654321"

_HANDLER = "def handler(event, context):\n    return {'batchItemFailures': []}\n"


@dataclass(frozen=True)
class Estate:
    """What the settings of source tables point at: made once, shared by all tables."""

    search_function_arn: str
    billing_function_arn: str
    failure_queue_arn: str
    kinesis_stream_arn: str
    topic_arn: str
    maintenance_alarm: str


@dataclass(frozen=True)
class SourceTable:
    """A source table, with the settings that it has by their names."""

    name: str
    arn: str
    estate: Estate
    settings: frozenset[str]


def make_estate(aws: LocalAws, prefix: str = "shop") -> Estate:
    """Two functions, one by its alias, a queue for failures, a Kinesis stream, a topic, an alarm."""
    clients = aws.clients()
    role = make_role(aws, f"{prefix}-functions")
    search = make_function(clients, f"{prefix}-search-index", role, _HANDLER)
    billing = make_function(clients, f"{prefix}-billing", role, _HANDLER)
    version = clients.lambda_.publish_version(FunctionName=billing)["Version"]
    billing = clients.lambda_.create_alias(FunctionName=billing, Name="live", FunctionVersion=version)[
        "AliasArn"
    ]
    queue_url = clients.sqs.create_queue(QueueName=f"{prefix}-search-index-failures")["QueueUrl"]
    attributes = clients.sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])
    clients.kinesis.create_stream(StreamName=f"{prefix}-changes", ShardCount=1)
    stream = aws.wait_until(
        lambda: _active_stream(clients, f"{prefix}-changes"),
        timeout=PATIENCE_SECONDS,
        what="the Kinesis stream active",
    )
    topic = clients.sns.create_topic(Name=f"{prefix}-on-call")["TopicArn"]
    maintenance = make_maintenance_alarm(clients, f"{prefix}-maintenance")
    return Estate(search, billing, attributes["Attributes"]["QueueArn"], stream, topic, maintenance)


def make_source_table(aws: LocalAws, name: str, estate: Estate, *, warm: bool = True) -> SourceTable:
    """A table with provisioned capacity that scales, all settings that go with that, and some items.

    Args:
        warm: whether the index has more warm throughput than its capacity gives it.
    """
    clients = aws.clients()
    description = clients.dynamodb.create_table(
        TableName=name,
        KeySchema=[
            {"AttributeName": "order", "KeyType": "HASH"},
            {"AttributeName": "line", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "order", "AttributeType": "S"},
            {"AttributeName": "line", "AttributeType": "N"},
            {"AttributeName": "customer", "AttributeType": "S"},
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": INDEX,
                "KeySchema": [{"AttributeName": "customer", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
                "ProvisionedThroughput": {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5},
            }
        ],
        BillingMode="PROVISIONED",
        ProvisionedThroughput={"ReadCapacityUnits": 10, "WriteCapacityUnits": 10},
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        TableClass="STANDARD_INFREQUENT_ACCESS",
        DeletionProtectionEnabled=True,
        Tags=[
            {"Key": "team", "Value": "orders"},
            {"Key": "cost-center", "Value": "4711"},
            {"Key": "data:class", "Value": "confidential / é"},
            {"Key": "reviewed", "Value": ""},
        ],
    )["TableDescription"]
    _put_items(clients, name)
    _enable_time_to_live(aws, clients, name)
    _enable_kinesis(aws, clients, name, estate)
    _enable_recovery(clients, name, RECOVERY_DAYS)
    _add_triggers(clients, description["LatestStreamArn"], estate)
    _add_auto_scaling(clients, name)
    _enable_insights(aws, clients, name, {"": "ACCESSED_AND_THROTTLED_KEYS", INDEX: "THROTTLED_KEYS"})
    _put_policies(clients, description["TableArn"], description["LatestStreamArn"])
    make_alarms(clients, name, INDEX, estate.topic_arn, estate.maintenance_alarm)
    if warm:
        _update_index(
            aws, name, {"WarmThroughput": {"ReadUnitsPerSecond": 9_000, "WriteUnitsPerSecond": 1_500}}
        )
    settings = {
        "auto_scaling", "cloudwatch_alarms", "contributor_insights", "deletion_protection", "kinesis_destination",
        "point_in_time_recovery", "resource_policy", "stream", "stream_triggers", "table_class", "tags", "ttl",
    }  # fmt: skip
    return SourceTable(
        name, description["TableArn"], estate, frozenset(settings | ({"warm_throughput"} if warm else set()))
    )


def make_on_demand_table(aws: LocalAws, name: str, estate: Estate) -> SourceTable:
    """A table on demand with limits, one of them open, a replica, and Insights of its index alone."""
    clients = aws.clients()
    key_arn = aws.client("kms").create_key(Description="The key of the sessions")["KeyMetadata"]["Arn"]
    description = clients.dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "session", "KeyType": "HASH"}],
        AttributeDefinitions=[
            {"AttributeName": "session", "AttributeType": "S"},
            {"AttributeName": "customer", "AttributeType": "S"},
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": INDEX,
                "KeySchema": [{"AttributeName": "customer", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
        BillingMode="PAY_PER_REQUEST",
        OnDemandThroughput={"MaxReadRequestUnits": 1_000, "MaxWriteRequestUnits": -1},
        WarmThroughput={"ReadUnitsPerSecond": 20_000, "WriteUnitsPerSecond": 4_000},
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        SSESpecification={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key_arn},
    )["TableDescription"]
    _enable_recovery(clients, name, 35)
    _enable_insights(aws, clients, name, {INDEX: "THROTTLED_KEYS"})
    clients.dynamodb.update_table(TableName=name, ReplicaUpdates=[{"Create": {"RegionName": REPLICA_REGION}}])
    _wait_until_active(aws, name)
    settings = {
        "contributor_insights", "encryption", "on_demand_throughput", "point_in_time_recovery", "replicas", "stream",
        "warm_throughput",
    }  # fmt: skip
    return SourceTable(name, description["TableArn"], estate, frozenset(settings))


def make_role(aws: LocalAws, name: str) -> str:
    """A role for functions, with no policy; returns its ARN."""
    trust = _policy("sts:AssumeRole", Principal={"Service": "lambda.amazonaws.com"})
    answer = aws.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=trust)
    arn: str = answer["Role"]["Arn"]
    return arn


def make_references(aws: LocalAws, source: SourceTable) -> set[str]:
    """What names a table and is no part of it, and beside it what names another; returns the names of all."""
    iam, backup = aws.client("iam"), aws.client("backup")
    reader, auditor, stranger = f"{source.name}-reader", f"{source.name}-auditor", f"{source.name}-stranger"
    for role in (reader, stranger):
        make_role(aws, role)
    iam.put_role_policy(
        RoleName=reader, PolicyName="read", PolicyDocument=_policy("dynamodb:GetItem", Resource=source.arn)
    )
    iam.put_role_policy(
        RoleName=stranger,
        PolicyName="read",
        PolicyDocument=_policy("dynamodb:GetItem", Resource=f"{source.arn}-archive"),
    )
    iam.create_user(UserName=auditor)
    iam.put_user_policy(
        UserName=auditor,
        PolicyName="audit",
        PolicyDocument=_policy("dynamodb:Query", Resource=f"{source.arn}/index/*"),
    )
    writers = f"{source.name}-writers"
    managed = iam.create_policy(
        PolicyName=writers, PolicyDocument=_policy("dynamodb:PutItem", Resource=[source.arn])
    )
    iam.attach_role_policy(RoleName=reader, PolicyArn=managed["Policy"]["Arn"])

    backup.create_backup_vault(BackupVaultName="shop")
    rule = {"RuleName": "daily", "TargetBackupVaultName": "shop"}
    plan = backup.create_backup_plan(BackupPlan={"BackupPlanName": "shop-daily", "Rules": [rule]})
    selections = {f"{source.name}-by-arn": source.arn, f"{source.name}-others": f"{source.arn}-archive"}
    for name, arn in selections.items():
        selection = {
            "SelectionName": name,
            "IamRoleArn": f"arn:aws:iam::{aws.account_id}:role/backup",
            "Resources": [arn],
        }
        backup.create_backup_selection(BackupPlanId=plan["BackupPlanId"], BackupSelection=selection)

    dashboards = {f"{source.name}-overview": source.name, f"{source.name}-archived": f"{source.name}-archive"}
    for name, table in dashboards.items():
        metrics = [
            ["AWS/DynamoDB", "ConsumedReadCapacityUnits", "TableName", table],
            [".", "ReadThrottleEvents", ".", "."],
        ]
        widget = {"type": "metric", "properties": {"metrics": metrics, "region": aws.region}}
        aws.clients().cloudwatch.put_dashboard(
            DashboardName=name, DashboardBody=json.dumps({"widgets": [widget]})
        )
    return {
        *(reader, stranger, auditor, writers, *selections, *dashboards),
        *_make_name_holders(aws, source),
        *_make_consumers(aws, source),
        *_watch_triggers(aws, source),
        _own_by_stack(aws, source),
    }


def _make_name_holders(aws: LocalAws, source: SourceTable) -> set[str]:
    """A pipe, a function, a parameter, a state machine and an API that name a table, and of each another one that names a table whose
    name begins alike; returns the names of all."""
    clients = aws.clients()
    role = make_role(aws, f"{source.name}-holders")
    archive = f"{source.name}-archive"
    stream = clients.dynamodb.describe_table(TableName=source.name)["Table"]["LatestStreamArn"]
    pipes = {
        f"{source.name}-to-search": stream,
        f"{source.name}-to-shelf": stream.replace(source.arn, f"{source.arn}-archive"),
    }
    for name, stream_arn in pipes.items():
        aws.client("pipes").create_pipe(
            Name=name,
            RoleArn=role,
            Source=stream_arn,
            Target=source.estate.failure_queue_arn,
            SourceParameters={"DynamoDBStreamParameters": {"StartingPosition": "LATEST"}},
            DesiredState="STOPPED",
        )
    functions = {f"{source.name}-checkout": source.name, f"{source.name}-stocktaking": archive}
    for name, table in functions.items():
        make_function(clients, name, role, _HANDLER, TABLE=table, LOG_LEVEL="INFO")
    parameters = {f"/{source.name}-web/table": source.name, f"/{source.name}-old/table": archive}
    for name, table in parameters.items():
        aws.client("ssm").put_parameter(Name=name, Type="String", Value=table)
    secret = f"/{source.name}-secret/table"
    aws.client("ssm").put_parameter(Name=secret, Type="SecureString", Value=source.name)
    state_machines = {f"{source.name}-fulfilment": source.name, f"{source.name}-restocking": archive}
    for name, table in state_machines.items():
        read = {
            "Type": "Task",
            "Resource": "arn:aws:states:::dynamodb:getItem",
            "Parameters": {"TableName": table},
            "End": True,
        }
        aws.client("stepfunctions").create_state_machine(
            name=name, roleArn=role, definition=json.dumps({"StartAt": "Read", "States": {"Read": read}})
        )
    apis = {f"{source.name}-mobile": source.name, f"{source.name}-backoffice": archive}
    for name, table in apis.items():
        api = aws.client("appsync").create_graphql_api(name=name, authenticationType="AWS_IAM")["graphqlApi"]
        aws.client("appsync").create_data_source(
            apiId=api["apiId"],
            name="table",
            type="AMAZON_DYNAMODB",
            dynamodbConfig={"tableName": table, "awsRegion": aws.region},
            serviceRoleArn=role,
        )
    return {*pipes, *functions, *parameters, secret, *state_machines, *apis}


def _make_consumers(aws: LocalAws, source: SourceTable) -> set[str]:
    """What other services keep of a table by its ARN, and beside it what they keep of another one; returns the names of what has
    one. VPC endpoints have a random id."""
    archive = f"{source.arn}-archive"
    trails = {f"{source.name}-trail": source.arn, f"{source.name}-others-trail": archive}
    cloudtrail = aws.client("cloudtrail")
    aws.client("s3").create_bucket(Bucket=f"{source.name}-trails")
    for name, arn in trails.items():
        cloudtrail.create_trail(Name=name, S3BucketName=f"{source.name}-trails")
        field_selectors = [
            {"Field": "eventCategory", "Equals": ["Data"]},
            {"Field": "resources.type", "Equals": ["AWS::DynamoDB::Table"]},
            {"Field": "resources.ARN", "Equals": [arn]},
        ]
        cloudtrail.put_event_selectors(
            TrailName=name, AdvancedEventSelectors=[{"FieldSelectors": field_selectors}]
        )
    account = f"{aws.region}:{aws.account_id}"
    destinations = {
        "glue": f"arn:aws:glue:{account}:database/lake",
        "redshift": f"arn:aws:redshift:{account}:namespace:shop",
    }
    integrations = set()
    for service, destination in destinations.items():
        for name, arn in (
            (f"{source.name}-to-{service}", source.arn),
            (f"{source.name}-others-to-{service}", archive),
        ):
            aws.rules.integrations.add(service, aws.region, name, arn, destination)
            integrations.add(name)
    pipelines = {f"{source.name}-search": source.arn, f"{source.name}-others-search": archive}
    for name, arn in pipelines.items():
        tables = f"tables: [{{table_arn: '{arn}', stream: {{start_position: LATEST}}}}]"
        sink = f"sink: [{{opensearch: {{hosts: ['https://search.example.com'], index: orders, aws: {{region: {aws.region}}}}}}}]"
        aws.client("osis").create_pipeline(
            PipelineName=name,
            MinUnits=1,
            MaxUnits=2,
            PipelineConfigurationBody=f"version: '2'\n{name}:\n  source: {{dynamodb: {{{tables}}}}}\n  {sink}\n",
        )
    ec2 = aws.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    for arn in (source.arn, archive):
        ec2.create_vpc_endpoint(
            VpcId=vpc,
            ServiceName=f"com.amazonaws.{aws.region}.dynamodb",
            PolicyDocument=_policy("dynamodb:*", Resource=arn, Principal="*"),
        )
    return {*trails, *integrations, *pipelines}


def _watch_triggers(aws: LocalAws, source: SourceTable) -> set[str]:
    """An alarm on the trigger that has metrics, and one on a mapping of nobody's."""
    clients = aws.clients()
    stream_arn = clients.dynamodb.describe_table(TableName=source.name)["Table"]["LatestStreamArn"]
    (uuid,) = (
        mapping["UUID"]
        for mapping in clients.lambda_.list_event_source_mappings(EventSourceArn=stream_arn)[
            "EventSourceMappings"
        ]
        if mapping.get("MetricsConfig", {}).get("Metrics")
    )
    alarms = {f"{source.name}-gives-up": uuid, f"{source.name}-others-give-up": str(UUID(int=0))}
    for name, mapping in alarms.items():
        clients.cloudwatch.put_metric_alarm(
            AlarmName=name,
            Namespace="AWS/Lambda",
            MetricName="DroppedEventCount",
            Dimensions=[{"Name": "EventSourceMappingUUID", "Value": mapping}],
            Statistic="Sum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=0,
            ComparisonOperator="GreaterThanThreshold",
        )
    return set(alarms)


def _own_by_stack(aws: LocalAws, source: SourceTable) -> str:
    """The tags that CloudFormation puts on a stack's table, which nobody else may; returns the stack's name."""
    stack = f"{source.name}-stack"
    tags = {
        "stack-name": stack,
        "stack-id": f"arn:aws:cloudformation:{aws.region}:{aws.account_id}:stack/{stack}/1",
        "logical-id": "OrdersTable",
    }
    aws.observer().dynamodb.tag_resource(
        ResourceArn=source.arn,
        Tags=[{"Key": f"aws:cloudformation:{key}", "Value": value} for key, value in tags.items()],
    )
    return stack


def _policy(action: str, **more: Any) -> str:
    statement = {"Effect": "Allow", "Action": action, **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def delete_tables(aws: LocalAws, names: Iterable[str]) -> None:
    """Delete tables and what hangs on them; those that do not exist are passed over."""
    clients = aws.clients()
    names = list(names)
    _delete_alarms(clients, names)
    for name in names:
        aws.rules.restores.release(name)
        try:
            _wait_until_active(aws, name)
        except clients.dynamodb.exceptions.ResourceNotFoundException:
            continue
        table = clients.dynamodb.describe_table(TableName=name)["Table"]
        if stream_arn := table.get("LatestStreamArn"):
            for mapping in clients.lambda_.list_event_source_mappings(EventSourceArn=stream_arn)[
                "EventSourceMappings"
            ]:
                clients.lambda_.delete_event_source_mapping(UUID=mapping["UUID"])
        indexes = [index["IndexName"] for index in table.get("GlobalSecondaryIndexes", [])]
        for resource in (f"table/{name}", *(f"table/{name}/index/{index}" for index in indexes)):
            for target in clients.autoscaling.describe_scalable_targets(
                ServiceNamespace="dynamodb", ResourceIds=[resource]
            )["ScalableTargets"]:
                clients.autoscaling.deregister_scalable_target(
                    ServiceNamespace="dynamodb",
                    ResourceId=resource,
                    ScalableDimension=target["ScalableDimension"],
                )
        if table.get("DeletionProtectionEnabled"):
            clients.dynamodb.update_table(TableName=name, DeletionProtectionEnabled=False)
            _wait_until_active(aws, name)
        for replica in table.get("Replicas", []):
            aws.clients(region=replica["RegionName"]).dynamodb.delete_table(TableName=name)
        clients.dynamodb.delete_table(TableName=name)


def _delete_alarms(clients: Clients, tables: Collection[str]) -> None:
    metric, composite = alarms_of(clients, tables)
    # What depends on others goes first, and one at a time: CloudWatch takes no two composite alarms in one call.
    for alarm in composite:
        clients.cloudwatch.delete_alarms(AlarmNames=[alarm["AlarmName"]])
    for start in range(0, len(metric), ALARMS_PER_CALL):
        names = [alarm["AlarmName"] for alarm in metric[start : start + ALARMS_PER_CALL]]
        clients.cloudwatch.delete_alarms(AlarmNames=names)


def _wait_until_active(aws: LocalAws, name: str) -> None:
    def active() -> bool:
        return aws.clients().dynamodb.describe_table(TableName=name)["Table"]["TableStatus"] == "ACTIVE"

    aws.wait_until(active, timeout=PATIENCE_SECONDS, what=f"{name} ACTIVE")


def _update_index(aws: LocalAws, name: str, change: dict[str, Any]) -> None:
    update = {"Update": {"IndexName": INDEX, **change}}
    aws.clients().client("dynamodb").update_table(TableName=name, GlobalSecondaryIndexUpdates=[update])
    _wait_until_active(aws, name)


def _enable_recovery(clients: Clients, name: str, days: int) -> None:
    clients.dynamodb.update_continuous_backups(
        TableName=name,
        PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True, "RecoveryPeriodInDays": days},
    )


def _enable_insights(aws: LocalAws, clients: Clients, name: str, modes: dict[str, str]) -> None:
    """Contributor Insights of indexes by their names, and of the table itself by none."""

    def enabled(index: dict[str, Any]) -> bool:
        answer = clients.client("dynamodb").describe_contributor_insights(TableName=name, **index)
        return bool(answer["ContributorInsightsStatus"] == "ENABLED")

    for index_name, mode in modes.items():
        index = {"IndexName": index_name} if index_name else {}
        clients.client("dynamodb").update_contributor_insights(
            TableName=name, ContributorInsightsAction="ENABLE", ContributorInsightsMode=mode, **index
        )
        aws.wait_until(
            partial(enabled, index), timeout=PATIENCE_SECONDS, what=f"Contributor Insights of {name}"
        )


def _put_policies(clients: Clients, table_arn: str, stream_arn: str) -> None:
    """A partner may read, nobody without TLS; another table, whose name begins alike, is not this one."""
    partner = {"AWS": f"arn:aws:iam::{PARTNER_ACCOUNT}:root"}
    table = [
        {
            "Sid": "PartnerReads",
            "Effect": "Allow",
            "Principal": partner,
            "Action": ["dynamodb:GetItem", "dynamodb:Query"],
            "Resource": [table_arn, f"{table_arn}/index/*"],
            "Condition": {"ArnNotLike": {"aws:PrincipalArn": [f"{table_arn}-archive"]}},
        },
        {
            "Sid": "OnlyWithTls",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "dynamodb:*",
            "Resource": table_arn,
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        },
    ]
    stream = [
        {
            "Sid": "PartnerFollows",
            "Effect": "Allow",
            "Principal": partner,
            "Action": ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"],
            "Resource": stream_arn,
        }
    ]
    for arn, statements in ((table_arn, table), (stream_arn, stream)):
        policy = json.dumps({"Version": "2012-10-17", "Statement": statements}, indent=2)
        clients.dynamodb.put_resource_policy(ResourceArn=arn, Policy=policy)


def make_function(clients: Clients, name: str, role: str, source: str, **environment: str) -> str:
    """A function of one file, with `handler` in it and these environment variables; returns its ARN."""
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("index.py", source)
    return clients.lambda_.create_function(
        FunctionName=name,
        Runtime="python3.13",
        Role=role,
        Handler="index.handler",
        Code={"ZipFile": package.getvalue()},
        Environment={"Variables": environment},
    )["FunctionArn"]


def _active_stream(clients: Clients, name: str) -> str | None:
    summary = clients.kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]
    return summary["StreamARN"] if summary["StreamStatus"] == "ACTIVE" else None


def _put_items(clients: Clients, name: str) -> None:
    items = [
        {
            "order": {"S": f"order-{number // 5}"},
            "line": {"N": str(number % 5)},
            "customer": {"S": f"customer-{number % 3}"},
            TTL_ATTRIBUTE: {"N": str(4_000_000_000 + number)},
        }
        for number in range(ITEMS)
    ]
    clients.dynamodb.batch_write_item(RequestItems={name: [{"PutRequest": {"Item": item}} for item in items]})


def _enable_time_to_live(aws: LocalAws, clients: Clients, name: str) -> None:
    clients.dynamodb.update_time_to_live(
        TableName=name, TimeToLiveSpecification={"Enabled": True, "AttributeName": TTL_ATTRIBUTE}
    )

    def enabled() -> bool:
        description = clients.dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
        return description["TimeToLiveStatus"] == "ENABLED"

    aws.wait_until(enabled, timeout=PATIENCE_SECONDS, what=f"TTL of {name} enabled")


def _enable_kinesis(aws: LocalAws, clients: Clients, name: str, estate: Estate) -> None:
    clients.dynamodb.enable_kinesis_streaming_destination(
        TableName=name,
        StreamArn=estate.kinesis_stream_arn,
        EnableKinesisStreamingConfiguration={"ApproximateCreationDateTimePrecision": "MICROSECOND"},
    )

    def active() -> bool:
        answer = clients.dynamodb.describe_kinesis_streaming_destination(TableName=name)
        return answer["KinesisDataStreamDestinations"][0]["DestinationStatus"] == "ACTIVE"

    aws.wait_until(active, timeout=PATIENCE_SECONDS, what=f"the Kinesis destination of {name} active")


def _add_triggers(clients: Clients, stream_arn: str, estate: Estate) -> None:
    only_paid = {"eventName": ["INSERT", "MODIFY"], "dynamodb": {"NewImage": {"state": {"S": ["paid"]}}}}
    clients.lambda_.create_event_source_mapping(
        EventSourceArn=stream_arn,
        FunctionName=estate.search_function_arn,
        StartingPosition="LATEST",
        BatchSize=25,
        MaximumBatchingWindowInSeconds=3,
        MaximumRetryAttempts=0,
        MaximumRecordAgeInSeconds=3600,
        BisectBatchOnFunctionError=True,
        ParallelizationFactor=2,
        FilterCriteria={"Filters": [{"Pattern": json.dumps(only_paid)}]},
        DestinationConfig={"OnFailure": {"Destination": estate.failure_queue_arn}},
        FunctionResponseTypes=["ReportBatchItemFailures"],
        MetricsConfig={"Metrics": ["EventCount"]},
        Tags={"team": "search", "reviewed": ""},
    )
    clients.lambda_.create_event_source_mapping(
        EventSourceArn=stream_arn,
        FunctionName=estate.billing_function_arn,
        StartingPosition="TRIM_HORIZON",
        Enabled=False,
        TumblingWindowInSeconds=30,
    )


def _add_auto_scaling(clients: Clients, name: str) -> None:
    table, index = f"table/{name}", f"table/{name}/index/{INDEX}"
    _scale(
        clients, table, "dynamodb:table:ReadCapacityUnits", "DynamoDBReadCapacityUtilization", (10, 200), 70.0
    )
    _scale(
        clients,
        table,
        "dynamodb:table:WriteCapacityUnits",
        "DynamoDBWriteCapacityUtilization",
        (10, 100),
        65.5,
    )
    _scale(
        clients, index, "dynamodb:index:ReadCapacityUnits", "DynamoDBReadCapacityUtilization", (5, 50), 80.0
    )
    clients.autoscaling.register_scalable_target(
        ServiceNamespace="dynamodb",
        ResourceId=table,
        ScalableDimension="dynamodb:table:WriteCapacityUnits",
        SuspendedState={
            "DynamicScalingInSuspended": True,
            "DynamicScalingOutSuspended": False,
            "ScheduledScalingSuspended": False,
        },
    )
    for action, schedule, capacity in (
        ("business-hours", "cron(0 8 ? * MON-FRI *)", {"MinCapacity": 50, "MaxCapacity": 200}),
        ("nights", "cron(0 20 ? * MON-FRI *)", {"MinCapacity": 10}),
    ):
        clients.autoscaling.put_scheduled_action(
            ServiceNamespace="dynamodb",
            ResourceId=table,
            ScalableDimension="dynamodb:table:ReadCapacityUnits",
            ScheduledActionName=f"{name}/{action}",
            Schedule=schedule,
            Timezone="Europe/Berlin",
            ScalableTargetAction=capacity,  # type: ignore[arg-type]
        )


def _scale(
    clients: Clients,
    resource: str,
    dimension: ScalableDimensionType,
    metric: MetricTypeType,
    limits: tuple[int, int],
    utilization: float,
) -> None:
    where: dict[str, Any] = {
        "ServiceNamespace": "dynamodb",
        "ResourceId": resource,
        "ScalableDimension": dimension,
    }
    clients.autoscaling.register_scalable_target(**where, MinCapacity=limits[0], MaxCapacity=limits[1])
    clients.autoscaling.put_scaling_policy(
        **where,
        # As the DynamoDB console names them: the table's name is part of the policy's.
        PolicyName=f"{resource.partition('/')[2]}/{dimension.rpartition(':')[2]}",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={
            "TargetValue": utilization,
            "PredefinedMetricSpecification": {"PredefinedMetricType": metric},
            "ScaleInCooldown": 0,
            "ScaleOutCooldown": 30,
            "DisableScaleIn": dimension.endswith("WriteCapacityUnits"),
        },
    )
