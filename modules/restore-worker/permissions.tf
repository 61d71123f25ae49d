locals {
  roles = {
    worker   = module.function.role
    operator = module.operator.role
  }
}

# The worker's own needs: its queue and its DLQ.
data "aws_iam_policy_document" "worker" {
  statement {
    sid = "WorkOnTheRestoreQueue"
    actions = [
      "sqs:ReceiveMessage",
      "sqs:DeleteMessage",
      "sqs:GetQueueAttributes",
      "sqs:ChangeMessageVisibility",
    ]
    resources = [var.restore_queue.arn]
  }

  statement {
    sid       = "GiveUpToTheDeadLetterQueue"
    actions   = ["sqs:SendMessage"]
    resources = [var.dead_letter_queue.arn]
  }
}

resource "aws_iam_role_policy" "worker" {
  name   = "worker"
  role   = module.function.role.name
  policy = data.aws_iam_policy_document.worker.json
}

# What the worker and the operator function both do: keep the records of restores and pipelines, and report.
data "aws_iam_policy_document" "records" {
  statement {
    sid = "KeepRestoreRecords"
    actions = [
      "dynamodb:GetItem",
      "dynamodb:PutItem",
      "dynamodb:UpdateItem",
      "dynamodb:DeleteItem",
      "dynamodb:Query",
    ]
    resources = [aws_dynamodb_table.restores.arn]
  }

  statement {
    sid       = "ReportToTheEventBus"
    actions   = ["events:PutEvents"]
    resources = [local.event_bus_arn]
  }

  dynamic "statement" {
    for_each = var.notifications.topic_arn == null ? [] : [var.notifications.topic_arn]

    content {
      sid       = "Notify"
      actions   = ["sns:Publish"]
      resources = [statement.value]
    }
  }

  dynamic "statement" {
    for_each = var.kms_key_arn == null ? [] : [var.kms_key_arn]

    content {
      sid       = "UseTheKey"
      actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
      resources = [statement.value]

      # Only through the services that hold the module's own data.
      condition {
        test     = "StringEquals"
        variable = "kms:ViaService"
        values = [
          for service in ["dynamodb", "lambda", "sns", "sqs"] :
          "${service}.${local.region}.${data.aws_partition.current.dns_suffix}"
        ]
      }
    }
  }
}

resource "aws_iam_role_policy" "records" {
  for_each = local.roles

  name   = "records"
  role   = each.value.name
  policy = data.aws_iam_policy_document.records.json
}

locals {
  # A wildcard here is the user's own pattern: which tables will be restored, and under which names, is known only
  # when it happens.
  table_arn_prefix = "arn:${local.partition}:dynamodb:${local.region}:${local.account}:table"
  target_arns      = [for pattern in distinct(var.table_patterns.target) : "${local.table_arn_prefix}/${pattern}"]
  table_arns = distinct(concat(
    [for pattern in distinct(var.table_patterns.source) : "${local.table_arn_prefix}/${pattern}"],
    local.target_arns,
  ))

  lambda_arn_prefix          = "arn:${local.partition}:lambda:${local.region}:${local.account}"
  service_linked_role_prefix = "arn:${local.partition}:iam::${local.account}:role/aws-service-role"

  # What each setting takes, and nothing else: a setting that is switched off leaves no statement behind.
  setting_statements = {
    tags = [
      { sid = "ReadTags", actions = ["dynamodb:ListTagsOfResource"], resources = local.table_arns },
      { sid = "WriteTags", actions = ["dynamodb:TagResource"], resources = local.target_arns },
    ]

    ttl = [
      { sid = "ReadTimeToLive", actions = ["dynamodb:DescribeTimeToLive"], resources = local.table_arns },
      { sid = "WriteTimeToLive", actions = ["dynamodb:UpdateTimeToLive"], resources = local.target_arns },
    ]

    stream = [
      { sid = "EnableStream", actions = ["dynamodb:UpdateTable"], resources = local.target_arns },
    ]

    stream_triggers = [
      {
        # Neither action knows a resource to name; creating one gives no access to a function or a stream, since
        # Lambda reads the stream with the function's own role
        # (docs.aws.amazon.com/service-authorization/latest/reference/list_awslambda.html).
        sid       = "ListAndCreateTriggers"
        actions   = ["lambda:ListEventSourceMappings", "lambda:CreateEventSourceMapping"]
        resources = ["*"]
      },
      {
        # Lambda names mappings by a random id.
        sid       = "ReadAndTagTriggers"
        actions   = ["lambda:GetEventSourceMapping", "lambda:ListTags", "lambda:TagResource"]
        resources = ["${local.lambda_arn_prefix}:event-source-mapping:*"]
      },
    ]

    # Beside its own actions DynamoDB asks for the caller's permissions on the stream
    # (docs.aws.amazon.com/amazondynamodb/latest/developerguide/kds_iam.html).
    kinesis_destination = [
      {
        sid       = "ReadKinesisDestinations"
        actions   = ["dynamodb:DescribeKinesisStreamingDestination"]
        resources = local.table_arns
      },
      {
        sid       = "EnableKinesisDestination"
        actions   = ["dynamodb:EnableKinesisStreamingDestination"]
        resources = local.target_arns
      },
      {
        # Which stream a source table feeds is known only when it is restored.
        sid       = "UseKinesisStreams"
        actions   = ["kinesis:DescribeStream", "kinesis:DescribeStreamSummary", "kinesis:PutRecords"]
        resources = ["arn:${local.partition}:kinesis:${local.region}:${local.account}:stream/*"]
      },
      {
        # The action knows no resource to name.
        sid       = "ListKinesisStreams"
        actions   = ["kinesis:ListStreams"]
        resources = ["*"]
      },
      {
        sid        = "CreateKinesisReplicationRole"
        actions    = ["iam:CreateServiceLinkedRole"]
        resources  = ["${local.service_linked_role_prefix}/kinesisreplication.dynamodb.amazonaws.com/AWSServiceRoleForDynamoDBKinesisDataStreamsReplication"]
        conditions = { "iam:AWSServiceName" = "kinesisreplication.dynamodb.amazonaws.com" }
      },
    ]

    point_in_time_recovery = [
      { sid = "ReadPointInTimeRecovery", actions = ["dynamodb:DescribeContinuousBackups"], resources = local.table_arns },
      { sid = "EnablePointInTimeRecovery", actions = ["dynamodb:UpdateContinuousBackups"], resources = local.target_arns },
    ]

    # Application Auto Scaling refuses a caller who could not do by hand what it will do for them: it probes the
    # caller's permissions on the table and on CloudWatch alarms
    # (docs.aws.amazon.com/autoscaling/application/userguide/security_iam_id-based-policy-examples.html and
    # security_iam_permission_validation.html there).
    auto_scaling = [
      {
        # None of these actions knows a resource to name.
        sid = "ReadAutoScaling"
        actions = [
          "application-autoscaling:DescribeScalableTargets",
          "application-autoscaling:DescribeScalingPolicies",
          "application-autoscaling:DescribeScheduledActions",
        ]
        resources = ["*"]
      },
      {
        # A scalable target's ARN ends in a random id and says nothing of its table; the namespace keeps this to
        # DynamoDB (docs.aws.amazon.com/service-authorization/latest/reference/list_awsapplicationautoscaling.html).
        sid = "WriteAutoScaling"
        actions = [
          "application-autoscaling:RegisterScalableTarget",
          "application-autoscaling:PutScalingPolicy",
          "application-autoscaling:PutScheduledAction",
        ]
        resources  = ["arn:${local.partition}:application-autoscaling:${local.region}:${local.account}:scalable-target/*"]
        conditions = { "application-autoscaling:service-namespace" = "dynamodb" }
      },
      { sid = "ScaleTables", actions = ["dynamodb:UpdateTable"], resources = local.target_arns },
      {
        # The probes name no alarm, so a pattern for alarm names would fail them. The worker itself calls none
        # of the three.
        sid       = "ScaleByAlarms"
        actions   = ["cloudwatch:DescribeAlarms", "cloudwatch:PutMetricAlarm", "cloudwatch:DeleteAlarms"]
        resources = ["*"]
      },
      {
        sid        = "CreateAutoScalingRole"
        actions    = ["iam:CreateServiceLinkedRole"]
        resources  = ["${local.service_linked_role_prefix}/dynamodb.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_DynamoDBTable"]
        conditions = { "iam:AWSServiceName" = "dynamodb.application-autoscaling.amazonaws.com" }
      },
    ]
  }

  # What IAM allows a managed policy.
  settings_policy_limit = 6144
  settings_policy_size  = length(data.aws_iam_policy_document.settings.minified_json)
}

data "aws_iam_policy_document" "settings" {
  statement {
    sid       = "DescribeTables"
    actions   = ["dynamodb:DescribeTable"]
    resources = local.table_arns
  }

  dynamic "statement" {
    for_each = flatten([
      for setting, enabled in var.settings : [for statement in local.setting_statements[setting] : statement] if enabled
    ])

    content {
      sid       = statement.value.sid
      actions   = statement.value.actions
      resources = statement.value.resources

      dynamic "condition" {
        for_each = try(statement.value.conditions, {})

        content {
          test     = "StringEquals"
          variable = condition.key
          values   = [condition.value]
        }
      }
    }
  }
}

# A policy of its own, because cutover applies settings as the worker does, and because the inline policies of a role
# have 10240 characters together, which are for the change pipelines.
resource "aws_iam_policy" "settings" {
  name        = local.names.settings_policy
  description = "What the settings that ${var.name} clones take"
  policy      = data.aws_iam_policy_document.settings.json
  tags        = local.tags

  lifecycle {
    precondition {
      condition     = local.settings_policy_size <= local.settings_policy_limit
      error_message = "The policy for the settings would have ${local.settings_policy_size} characters, and IAM takes ${local.settings_policy_limit}: use fewer or wider patterns in table_patterns."
    }
  }
}

resource "aws_iam_role_policy_attachment" "settings" {
  for_each = local.roles

  role       = each.value.name
  policy_arn = aws_iam_policy.settings.arn
}
