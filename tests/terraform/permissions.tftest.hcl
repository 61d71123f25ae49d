# Least privilege, stated: every action that the roles of worker and operator allow, and every statement that is on all
# resources; what they may do with change pipelines too, however many there are.

mock_provider "aws" {
  source = "./tests/terraform/mocks"
}

variables {
  name = "demo"
  restore_queue = {
    url                        = "https://sqs.us-east-1.amazonaws.com/123456789012/demo-restores"
    arn                        = "arn:aws:sqs:us-east-1:123456789012:demo-restores"
    visibility_timeout_seconds = 720
    message_retention_seconds  = 604800
  }
  dead_letter_queue = {
    url = "https://sqs.us-east-1.amazonaws.com/123456789012/demo-restores-dlq"
    arn = "arn:aws:sqs:us-east-1:123456789012:demo-restores-dlq"
  }
}

override_resource {
  target = aws_iam_policy.settings["tables"]
  values = { arn = "arn:aws:iam::123456789012:policy/demo-settings-tables-us-east-1" }
}

override_resource {
  target = aws_iam_policy.settings["findings"]
  values = { arn = "arn:aws:iam::123456789012:policy/demo-settings-findings-us-east-1" }
}

override_resource {
  target = aws_iam_policy.settings["keys"]
  values = { arn = "arn:aws:iam::123456789012:policy/demo-settings-keys-us-east-1" }
}

override_resource {
  target = aws_iam_policy.settings["services"]
  values = { arn = "arn:aws:iam::123456789012:policy/demo-settings-services-us-east-1" }
}

run "the_worker_may_do_these_things_with_these_things_and_nothing_else" {
  module {
    source = "./modules/restore-worker"
  }

  variables {
    notifications = { topic_arn = "arn:aws:sns:us-east-1:123456789012:demo-notifications" }
  }

  override_resource {
    target = aws_dynamodb_table.restores
    values = { arn = "arn:aws:dynamodb:us-east-1:123456789012:table/demo-restores" }
  }

  assert {
    condition = {
      for statement in concat(data.aws_iam_policy_document.worker.statement, data.aws_iam_policy_document.records["worker"].statement) :
      statement.sid => { actions = sort(statement.actions), resources = tolist(statement.resources) }
      } == {
      WorkOnTheRestoreQueue      = { actions = tolist(["sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"]), resources = tolist(["arn:aws:sqs:us-east-1:123456789012:demo-restores"]) }
      GiveUpToTheDeadLetterQueue = { actions = tolist(["sqs:SendMessage"]), resources = tolist(["arn:aws:sqs:us-east-1:123456789012:demo-restores-dlq"]) }
      KeepRestoreRecords         = { actions = tolist(["dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem"]), resources = tolist(["arn:aws:dynamodb:us-east-1:123456789012:table/demo-restores"]) }
      ReportToTheEventBus        = { actions = tolist(["events:PutEvents"]), resources = tolist(["arn:aws:events:us-east-1:123456789012:event-bus/default"]) }
      AskForRestoreJobs          = { actions = tolist(["backup:DescribeRestoreJob", "backup:GetRestoreJobMetadata"]), resources = tolist(["*"]) }
      LookUpRestoreCalls         = { actions = tolist(["cloudtrail:LookupEvents"]), resources = tolist(["*"]) }
      ReadBackups                = { actions = tolist(["dynamodb:DescribeBackup"]), resources = tolist(["arn:aws:dynamodb:us-east-1:123456789012:table/*/backup/*"]) }
      Notify                     = { actions = tolist(["sns:Publish"]), resources = tolist(["arn:aws:sns:us-east-1:123456789012:demo-notifications"]) }
    }
    error_message = "Statements: ${jsonencode({ for statement in concat(data.aws_iam_policy_document.worker.statement, data.aws_iam_policy_document.records["worker"].statement) : statement.sid => { actions = statement.actions, resources = statement.resources } })}"
  }

  # Nothing that no operator action declares; what the settings and the pipelines give it is elsewhere.
  assert {
    condition = {
      for statement in data.aws_iam_policy_document.records["operator"].statement :
      statement.sid => { actions = sort(statement.actions), resources = tolist(statement.resources) }
      } == {
      KeepRestoreRecords  = { actions = tolist(["dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem"]), resources = tolist(["arn:aws:dynamodb:us-east-1:123456789012:table/demo-restores"]) }
      ReportToTheEventBus = { actions = tolist(["events:PutEvents"]), resources = tolist(["arn:aws:events:us-east-1:123456789012:event-bus/default"]) }
      Notify              = { actions = tolist(["sns:Publish"]), resources = tolist(["arn:aws:sns:us-east-1:123456789012:demo-notifications"]) }
    }
    error_message = "Statements: ${jsonencode({ for statement in data.aws_iam_policy_document.records["operator"].statement : statement.sid => { actions = statement.actions, resources = statement.resources } })}"
  }
}

run "both_roles_go_by_the_names_of_pipelines" {
  module {
    source = "./modules/restore-worker"
  }

  variables {
    kms_key_arn     = "arn:aws:kms:us-east-1:123456789012:key/demo"
    failure_buckets = ["arn:aws:s3:::estate-failures"]

    failure_bucket_kms_key_arns = ["arn:aws:kms:us-east-1:123456789012:key/estate"]
  }

  assert {
    condition = {
      for role, document in data.aws_iam_policy_document.pipelines : role => {
        for statement in document.statement :
        statement.sid => "${join(" ", statement.actions)} on ${join(" ", sort(statement.resources))}"
      }
      } == {
      worker = {
        LookAtMappings = "lambda:GetEventSourceMapping on arn:aws:lambda:us-east-1:123456789012:event-source-mapping:*"
        SwitchMappings = "lambda:UpdateEventSourceMapping on arn:aws:lambda:us-east-1:123456789012:event-source-mapping:*"
      }
      operator = {
        LookAtMappings        = "lambda:GetEventSourceMapping on arn:aws:lambda:us-east-1:123456789012:event-source-mapping:*"
        SwitchMappings        = "lambda:UpdateEventSourceMapping on arn:aws:lambda:us-east-1:123456789012:event-source-mapping:*"
        HaveUpkeepDoIt        = "lambda:InvokeFunction on arn:aws:lambda:us-east-1:123456789012:function:demo--*-upkeep"
        WatchBuffers          = "sqs:GetQueueAttributes on arn:aws:sqs:us-east-1:123456789012:demo--*-changes-dlq.fifo arn:aws:sqs:us-east-1:123456789012:demo--*-changes.fifo"
        FindWhatWasGivenUp    = "s3:ListBucket on arn:aws:s3:::demo--*-failures-123456789012 arn:aws:s3:::estate-failures"
        ReadWhatWasGivenUp    = "s3:GetObject on arn:aws:s3:::demo--*-failures-123456789012/aws/lambda/* arn:aws:s3:::estate-failures/aws/lambda/*"
        DecryptWhatWasGivenUp = "kms:Decrypt on arn:aws:kms:us-east-1:123456789012:key/demo arn:aws:kms:us-east-1:123456789012:key/estate"
      }
    }
    error_message = "Statements: ${jsonencode({ for role, document in data.aws_iam_policy_document.pipelines : role => document.statement })}"
  }

  assert {
    condition = alltrue([
      for role, document in data.aws_iam_policy_document.pipelines : {
        for statement in document.statement :
        statement.sid => "${one(statement.condition).test} ${one(statement.condition).variable} ${join(" ", one(statement.condition).values)}" if length(statement.condition) > 0
        } == merge(
        { SwitchMappings = "ArnLike lambda:FunctionArn arn:aws:lambda:us-east-1:123456789012:function:demo--*" },
        role == "worker" ? {} : {
          FindWhatWasGivenUp    = "StringLike s3:prefix aws/lambda/*"
          DecryptWhatWasGivenUp = "StringEquals kms:ViaService s3.us-east-1.amazonaws.com"
        },
      )
    ])
    error_message = "Conditions: ${jsonencode({ for role, document in data.aws_iam_policy_document.pipelines : role => document.statement })}"
  }

  assert {
    condition     = { for role, policy in aws_iam_role_policy.pipelines : role => policy.role } == { worker = "demo-restore-worker-us-east-1", operator = "demo-operator-us-east-1" }
    error_message = "Roles: ${jsonencode({ for role, policy in aws_iam_role_policy.pipelines : role => policy.role })}"
  }

  # With the default patterns the settings may be written on every table; on this one they may not.
  assert {
    condition = {
      for statement in data.aws_iam_policy_document.restore_table_denials.statement :
      statement.sid => { effect = statement.effect, actions = join(" ", sort(statement.actions)), resources = join(" ", statement.resources), keys = join(" ", flatten(statement.condition[*].values)) }
      } == {
      ChangeNoSettingOfTheRestoreTable = {
        effect    = "Deny"
        actions   = "dynamodb:CreateTableReplica dynamodb:EnableKinesisStreamingDestination dynamodb:PutResourcePolicy dynamodb:TagResource dynamodb:UpdateContinuousBackups dynamodb:UpdateContributorInsights dynamodb:UpdateTable dynamodb:UpdateTimeToLive"
        resources = "arn:aws:dynamodb:us-east-1:123456789012:table/demo-restores arn:aws:dynamodb:us-east-1:123456789012:table/demo-restores/*"
        keys      = ""
      }
      WriteNoRecordsOfOthers = {
        effect    = "Deny"
        actions   = "dynamodb:BatchWriteItem dynamodb:DeleteItem dynamodb:PutItem dynamodb:UpdateItem"
        resources = "arn:aws:dynamodb:us-east-1:123456789012:table/demo-restores"
        keys      = "target#* event#* pipeline#* pipelines"
      }
    }
    error_message = "Statements: ${jsonencode(data.aws_iam_policy_document.restore_table_denials.statement)}"
  }

  assert {
    condition     = length(aws_iam_policy.source_denials) == 0
    error_message = "Denied: ${jsonencode(aws_iam_policy.source_denials)}"
  }

  # Whatever of the settings' actions writes tables is denied there.
  assert {
    condition = alltrue([
      for action in flatten([for statement in local.table_statements : statement.actions if startswith(statement.sid, "Write")]) :
      contains(data.aws_iam_policy_document.restore_table_denials.statement[0].actions, action)
    ])
    error_message = "Written: ${jsonencode([for statement in local.table_statements : statement.actions if startswith(statement.sid, "Write")])}"
  }

  assert {
    condition     = { for key, attachment in aws_iam_role_policy_attachment.restore_table_denials : key => attachment.role } == { operator = "demo-operator-us-east-1", worker = "demo-restore-worker-us-east-1" }
    error_message = "Attached to ${jsonencode(aws_iam_role_policy_attachment.restore_table_denials)}"
  }
}

run "with_everything_on_the_settings_take_these_actions_and_no_others" {
  module {
    source = "./modules/restore-worker"
  }

  variables {
    settings = { warm_throughput = true, replicas = true }
    findings = { for finding in jsondecode(file("modules/restore-worker/findings.json")) : finding.name => true }
  }

  assert {
    condition = toset(flatten([for document in data.aws_iam_policy_document.settings : [for statement in document.statement : statement.sid if contains(statement.resources, "*")]])) == toset([
      "FindDataSources",
      "FindFunctionEnvironments",
      "FindIdentityPolicies",
      "FindPipes",
      "FindMappingAlarms",
      "FindVpcEndpointPolicies",
      "FindZeroEtlIntegrations",
      "ListAlarmsAndPutCompositeAlarms",
      "ListTriggers",
      "CreateTriggers",
      "ListBackupPlans",
      "ListContributorInsights",
      "ListDashboards",
      "ListIngestionPipelines",
      "ListKinesisStreams",
      "ListParameters",
      "ListStateMachines",
      "ListTrails",
      "ReadAutoScaling",
      "ReadAutoScalingForReplicas",
      "ScaleByAlarms",
    ])
    error_message = "Statements on every resource: ${jsonencode([for document in data.aws_iam_policy_document.settings : [for statement in document.statement : statement.sid if contains(statement.resources, "*")]])}"
  }

  assert {
    condition = toset(flatten([for document in data.aws_iam_policy_document.settings : document.statement[*].actions])) == toset([
      "application-autoscaling:DescribeScalableTargets",
      "application-autoscaling:DescribeScalingPolicies",
      "application-autoscaling:DescribeScheduledActions",
      "application-autoscaling:PutScalingPolicy",
      "application-autoscaling:PutScheduledAction",
      "application-autoscaling:RegisterScalableTarget",
      "appsync:ListDataSources",
      "appsync:ListGraphqlApis",
      "backup:GetBackupSelection",
      "backup:ListBackupPlans",
      "backup:ListBackupSelections",
      "cloudtrail:DescribeTrails",
      "cloudtrail:GetEventSelectors",
      "cloudwatch:DeleteAlarms",
      "cloudwatch:DescribeAlarms",
      "cloudwatch:DescribeAlarmsForMetric",
      "cloudwatch:GetDashboard",
      "cloudwatch:ListDashboards",
      "cloudwatch:ListTagsForResource",
      "cloudwatch:PutCompositeAlarm",
      "cloudwatch:PutMetricAlarm",
      "cloudwatch:TagResource",
      "dynamodb:BatchWriteItem",
      "dynamodb:CreateTable",
      "dynamodb:CreateTableReplica",
      "dynamodb:DeleteItem",
      "dynamodb:DescribeContinuousBackups",
      "dynamodb:DescribeContributorInsights",
      "dynamodb:DescribeKinesisStreamingDestination",
      "dynamodb:DescribeTable",
      "dynamodb:DescribeTimeToLive",
      "dynamodb:EnableKinesisStreamingDestination",
      "dynamodb:GetItem",
      "dynamodb:GetResourcePolicy",
      "dynamodb:ListContributorInsights",
      "dynamodb:ListTagsOfResource",
      "dynamodb:PutItem",
      "dynamodb:PutResourcePolicy",
      "dynamodb:Query",
      "dynamodb:Scan",
      "dynamodb:TagResource",
      "dynamodb:UpdateContinuousBackups",
      "dynamodb:UpdateContributorInsights",
      "dynamodb:UpdateItem",
      "dynamodb:UpdateTable",
      "dynamodb:UpdateTimeToLive",
      "ec2:DescribeVpcEndpoints",
      "glue:DescribeIntegrations",
      "iam:CreateServiceLinkedRole",
      "iam:GetAccountAuthorizationDetails",
      "kinesis:DescribeStream",
      "kinesis:DescribeStreamSummary",
      "kinesis:ListStreams",
      "kinesis:PutRecords",
      "kms:CreateGrant",
      "kms:Decrypt",
      "kms:DescribeKey",
      "kms:Encrypt",
      "kms:GenerateDataKey",
      "kms:GenerateDataKey*",
      "kms:ReEncrypt*",
      "lambda:CreateEventSourceMapping",
      "lambda:GetEventSourceMapping",
      "lambda:ListEventSourceMappings",
      "lambda:ListFunctions",
      "lambda:ListTags",
      "lambda:TagResource",
      "pipes:ListPipes",
      "ssm:DescribeParameters",
      "ssm:GetParameters",
      "states:DescribeStateMachine",
      "states:ListStateMachines",
      "osis:GetPipeline",
      "osis:ListPipelines",
      "redshift:DescribeIntegrations",
    ])
    error_message = "Actions: ${join(", ", sort(flatten([for document in data.aws_iam_policy_document.settings : document.statement[*].actions])))}"
  }

  # Roles are made for four services and no other, scaling is for DynamoDB alone, and keys are used through it alone.
  assert {
    condition = {
      for statement in concat(data.aws_iam_policy_document.settings["services"].statement, data.aws_iam_policy_document.settings["keys"].statement) :
      statement.sid => { for condition in statement.condition : condition.variable => "${condition.test} ${one(condition.values)}" } if length(statement.condition) > 0
      } == {
      CreateKinesisReplicationRole   = { "iam:AWSServiceName" = "StringEquals kinesisreplication.dynamodb.amazonaws.com" }
      CreateAutoScalingRole          = { "iam:AWSServiceName" = "StringEquals dynamodb.application-autoscaling.amazonaws.com" }
      CreateContributorInsightsRole  = { "iam:AWSServiceName" = "StringEquals contributorinsights.dynamodb.amazonaws.com" }
      CreateReplicationRole          = { "iam:AWSServiceName" = "StringEquals replication.dynamodb.amazonaws.com" }
      WriteAutoScaling               = { "application-autoscaling:service-namespace" = "StringEquals dynamodb" }
      ReadKeysForContributorInsights = { "kms:ViaService" = "StringEquals dynamodb.us-east-1.amazonaws.com" }
      UseKeysOfReplicas              = { "kms:ViaService" = "StringLike dynamodb.*.amazonaws.com" }
      DescribeKeysOfFilters          = { "kms:ViaService" = "StringEquals lambda.us-east-1.amazonaws.com" }
      ReadFiltersOfTriggers = {
        "kms:ViaService"                                  = "StringEquals lambda.us-east-1.amazonaws.com"
        "kms:EncryptionContext:aws:lambda:EventSourceArn" = "StringLike arn:aws:dynamodb:*:123456789012:table/*/stream/*"
      }
      EncryptFiltersOfTriggers = {
        "kms:ViaService"                                  = "StringEquals lambda.us-east-1.amazonaws.com"
        "kms:EncryptionContext:aws:lambda:EventSourceArn" = "StringLike arn:aws:dynamodb:*:123456789012:table/*/stream/*"
      }
    }
    error_message = "Conditions: ${jsonencode({ for statement in concat(data.aws_iam_policy_document.settings["services"].statement, data.aws_iam_policy_document.settings["keys"].statement) : statement.sid => statement.condition })}"
  }
}

run "the_queues_are_the_workers_alone_and_all_else_is_on_both_roles" {
  module {
    source = "./modules/restore-worker"
  }

  assert {
    condition     = aws_iam_role_policy.worker.role == "demo-restore-worker-us-east-1"
    error_message = "The queues are for ${aws_iam_role_policy.worker.role}"
  }

  assert {
    condition     = { for key, policy in aws_iam_role_policy.records : key => policy.role } == { worker = "demo-restore-worker-us-east-1", operator = "demo-operator-us-east-1" }
    error_message = "The records are for ${jsonencode({ for key, policy in aws_iam_role_policy.records : key => policy.role })}"
  }

  assert {
    condition = {
      for key, attachment in aws_iam_role_policy_attachment.settings : key => "${attachment.role} ${attachment.policy_arn}"
      } == {
      worker-tables     = "demo-restore-worker-us-east-1 arn:aws:iam::123456789012:policy/demo-settings-tables-us-east-1"
      worker-services   = "demo-restore-worker-us-east-1 arn:aws:iam::123456789012:policy/demo-settings-services-us-east-1"
      worker-findings   = "demo-restore-worker-us-east-1 arn:aws:iam::123456789012:policy/demo-settings-findings-us-east-1"
      operator-tables   = "demo-operator-us-east-1 arn:aws:iam::123456789012:policy/demo-settings-tables-us-east-1"
      worker-keys       = "demo-restore-worker-us-east-1 arn:aws:iam::123456789012:policy/demo-settings-keys-us-east-1"
      operator-keys     = "demo-operator-us-east-1 arn:aws:iam::123456789012:policy/demo-settings-keys-us-east-1"
      operator-services = "demo-operator-us-east-1 arn:aws:iam::123456789012:policy/demo-settings-services-us-east-1"
    }
    error_message = "The settings are for ${jsonencode(aws_iam_role_policy_attachment.settings)}"
  }
}

run "the_partition_and_account_are_the_callers" {
  module {
    source = "./modules/restore-worker"
  }

  override_data {
    target = data.aws_partition.current
    values = { partition = "aws-cn", dns_suffix = "amazonaws.com.cn" }
  }
  override_data {
    target = data.aws_region.current
    values = { id = "cn-north-1" }
  }
  override_data {
    target = data.aws_caller_identity.current
    values = { account_id = "999999999999" }
  }

  variables {
    kms_key_arn = "arn:aws-cn:kms:cn-north-1:999999999999:key/demo"
    settings    = { replicas = true }
  }

  # Roles and dashboards are of no region; replicas and their keys, and the homes of trails, of any.
  assert {
    condition = alltrue([
      for resource in flatten([for document in data.aws_iam_policy_document.settings : document.statement[*].resources]) :
      resource == "*" || can(regex("^arn:aws-cn:(iam|cloudwatch)::999999999999:", resource)) || can(regex("^arn:aws-cn:(cloudtrail|dynamodb|kms):\\*:999999999999:", resource)) || can(regex("^arn:aws-cn:[a-z-]+:cn-north-1:999999999999:", resource))
    ])
    error_message = "Resources: ${join(", ", distinct(flatten([for document in data.aws_iam_policy_document.settings : document.statement[*].resources])))}"
  }

  assert {
    condition = toset(flatten([for statement in data.aws_iam_policy_document.settings["keys"].statement : [for condition in statement.condition : condition.values]])) == toset([
      "dynamodb.cn-north-1.amazonaws.com.cn",
      "dynamodb.*.amazonaws.com.cn",
      "lambda.cn-north-1.amazonaws.com.cn",
      "arn:aws-cn:dynamodb:*:999999999999:table/*/stream/*",
    ])
    error_message = "Keys are used through: ${jsonencode([for statement in data.aws_iam_policy_document.settings["keys"].statement : statement.condition])}"
  }

  assert {
    condition     = [for statement in data.aws_iam_policy_document.records["operator"].statement : statement if statement.sid == "UseTheKey"] == [for statement in data.aws_iam_policy_document.records["worker"].statement : statement if statement.sid == "UseTheKey"]
    error_message = "The operator function uses the key by ${jsonencode(data.aws_iam_policy_document.records["operator"].statement)}"
  }

  assert {
    condition = toset(flatten([for statement in data.aws_iam_policy_document.records["worker"].statement : [for condition in statement.condition : condition.values]])) == toset([
      "dynamodb.cn-north-1.amazonaws.com.cn",
      "lambda.cn-north-1.amazonaws.com.cn",
      "sns.cn-north-1.amazonaws.com.cn",
      "sqs.cn-north-1.amazonaws.com.cn",
    ])
    error_message = "The key is used through: ${jsonencode([for statement in data.aws_iam_policy_document.records["worker"].statement : statement.condition])}"
  }
}

# A topic of the estate's own with a customer key: without these every Publish is denied.
run "the_key_of_a_given_topic_may_be_used_through_sns_alone" {
  module {
    source = "./modules/restore-worker"
  }

  variables {
    kms_key_arn = "arn:aws:kms:us-east-1:123456789012:key/demo"
    notifications = {
      topic_arn         = "arn:aws:sns:us-east-1:123456789012:oncall"
      topic_kms_key_arn = "arn:aws:kms:us-east-1:123456789012:key/oncall"
    }
  }

  assert {
    condition = alltrue([
      for document in values(data.aws_iam_policy_document.records) : [
        for statement in document.statement :
        [statement.actions, statement.resources, flatten([for condition in statement.condition : [condition.test, condition.variable, condition.values]])] if statement.sid == "UseTheKeyOfTheTopic"
      ] == [[toset(["kms:Decrypt", "kms:GenerateDataKey"]), toset(["arn:aws:kms:us-east-1:123456789012:key/oncall"]), ["StringEquals", "kms:ViaService", "sns.us-east-1.amazonaws.com"]]]
    ])
    error_message = "Statements: ${jsonencode(data.aws_iam_policy_document.records["worker"].statement)}"
  }
}

# A bus given by its ARN is this bus, and no part of a longer ARN.
run "a_bus_may_be_given_by_its_arn" {
  module {
    source = "./modules/restore-worker"
  }

  variables {
    notifications = { event_bus_name = "arn:aws:events:us-east-1:123456789012:event-bus/platform/reports" }
  }

  assert {
    condition     = local.environment.EVENT_BUS_NAME == "platform/reports"
    error_message = "Bus: ${local.environment.EVENT_BUS_NAME}"
  }

  assert {
    condition     = [for statement in data.aws_iam_policy_document.records["worker"].statement : one(statement.resources) if statement.sid == "ReportToTheEventBus"] == ["arn:aws:events:us-east-1:123456789012:event-bus/platform/reports"]
    error_message = "Statements: ${jsonencode(data.aws_iam_policy_document.records["worker"].statement)}"
  }
}

# The setting takes permissions on items of all tables that the patterns cover. Without it there is nothing to deny.
run "with_replicas_the_operator_touches_no_item_of_a_source" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    settings         = { replicas = true }
    pipeline_sources = concat(["orders"], [for number in range(15) : "${number}-${join("", [for letter in range(252) : "t"])}"])
  }

  assert {
    condition = (
      [for document in data.aws_iam_policy_document.source_denials : length(one(document.statement).resources)] == [15, 1] &&
      alltrue([for document in data.aws_iam_policy_document.source_denials : one(document.statement).effect == "Deny" && contains(one(document.statement).actions, "dynamodb:PutItem")]) &&
      contains(one(data.aws_iam_policy_document.source_denials[0].statement).resources, "arn:aws:dynamodb:*:123456789012:table/orders")
    )
    error_message = "Denied: ${jsonencode(data.aws_iam_policy_document.source_denials)}"
  }

  # Whatever the setting may do to items is denied.
  assert {
    condition = alltrue([
      for action in flatten([for setting in jsondecode(file("modules/restore-worker/settings.json")) : [for statement in setting.statements : statement.actions] if setting.name == "replicas"]) :
      contains(one(data.aws_iam_policy_document.source_denials[0].statement).actions, action) if can(regex("^dynamodb:(.*Item|Query|Scan)$", action))
    ])
    error_message = "Denied are only ${jsonencode(data.aws_iam_policy_document.source_denials[0].statement)}"
  }

  assert {
    condition     = [for attachment in aws_iam_role_policy_attachment.source_denials : attachment.role] == ["demo-operator-us-east-1", "demo-operator-us-east-1"]
    error_message = "Attached to ${jsonencode(aws_iam_role_policy_attachment.source_denials)}"
  }

  # A policy has at most 6144 characters.
  assert {
    condition     = length(jsonencode({ Version = "2012-10-17", Statement = [for statement in data.aws_iam_policy_document.source_denials[0].statement : { Sid = statement.sid, Effect = statement.effect, Action = statement.actions, Resource = statement.resources }] })) < 6144
    error_message = "It is too long."
  }
}
