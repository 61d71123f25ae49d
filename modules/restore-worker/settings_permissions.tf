# What cloning settings takes: for each setting what it needs, and nothing for one that is on nowhere. docs/settings.md says
# the same in prose. Actions of DynamoDB on the same tables are one statement, so that a policy has room for many patterns;
# all else is a statement of its own, with the reason for each wildcard.
locals {
  # A wildcard here is the user's own pattern: which tables will be restored, and under which names, is known only
  # when it happens.
  target_arns = [
    for pattern in distinct(var.table_patterns.target) :
    "arn:${local.partition}:dynamodb:${local.region}:${local.account}:table/${pattern}"
  ]
  source_arns = flatten([
    for region in local.regions : [
      for pattern in distinct(var.table_patterns.source) :
      "arn:${local.partition}:dynamodb:${region}:${local.account}:table/${pattern}"
    ]
  ])
  table_arns = distinct(concat(local.source_arns, local.target_arns))

  # Functions of which triggers may be created, by ARN: a name is one of this account and region.
  attachable_functions = [
    for pattern in distinct(var.attachable.functions) :
    startswith(pattern, "arn:") ? pattern : "arn:${local.partition}:lambda:${local.region}:${local.account}:function:${pattern}"
  ]

  # Where settings are read. They are written in this region alone, but for replicas.
  regions = concat([local.region], local.source_regions)

  # What is encrypted is the filter of a mapping of a table's stream. Of which table's, is not said here once more: the policy
  # would outgrow what IAM takes.
  filter_of_a_stream = {
    test     = "StringLike"
    variable = "kms:EncryptionContext:aws:lambda:EventSourceArn"
    values   = ["arn:${local.partition}:dynamodb:*:${local.account}:table/*/stream/*"]
  }

  service_linked_role_prefix = "arn:${local.partition}:iam::${local.account}:role/aws-service-role"

  # Actions of DynamoDB on tables, their indexes and their streams: `read` on source and target, `write` on the target
  # alone. DescribeTable is common to all.
  table_permissions = {
    point_in_time_recovery = {
      read  = { tables = ["dynamodb:DescribeContinuousBackups"] }
      write = { tables = ["dynamodb:UpdateContinuousBackups"] }
    }
    deletion_protection = {
      write = { tables = ["dynamodb:UpdateTable"] }
    }
    tags = {
      read  = { tables = ["dynamodb:ListTagsOfResource"] }
      write = { tables = ["dynamodb:TagResource"] }
    }
    table_class = {
      write = { tables = ["dynamodb:UpdateTable"] }
    }
    on_demand_throughput = {
      write = { tables = ["dynamodb:UpdateTable"] }
    }
    # Not called, but asked for by Application Auto Scaling: see below.
    auto_scaling = {
      write = { tables = ["dynamodb:UpdateTable"] }
    }
    stream = {
      write = { tables = ["dynamodb:UpdateTable"] }
    }
    contributor_insights = {
      read  = { tables = ["dynamodb:DescribeContributorInsights"], indexes = ["dynamodb:DescribeContributorInsights"] }
      write = { tables = ["dynamodb:UpdateContributorInsights"], indexes = ["dynamodb:UpdateContributorInsights"] }
    }
    kinesis_destination = {
      read  = { tables = ["dynamodb:DescribeKinesisStreamingDestination"] }
      write = { tables = ["dynamodb:EnableKinesisStreamingDestination"] }
    }
    warm_throughput = {
      write = { tables = ["dynamodb:UpdateTable"] }
    }
    ttl = {
      read  = { tables = ["dynamodb:DescribeTimeToLive"] }
      write = { tables = ["dynamodb:UpdateTimeToLive"] }
    }
    replicas = {
      write = { tables = ["dynamodb:UpdateTable"] }
    }
    resource_policy = {
      read  = { tables = ["dynamodb:GetResourcePolicy"], streams = ["dynamodb:GetResourcePolicy"] }
      write = { tables = ["dynamodb:PutResourcePolicy"], streams = ["dynamodb:PutResourcePolicy"] }
    }
  }

  # Which indexes a table has, and by which time its stream is named, is the table's own.
  table_parts = { Tables = "", Indexes = "/index/*", Streams = "/stream/*" }

  table_statements = concat(
    [
      for part, suffix in local.table_parts : {
        sid       = "Read${part}"
        resources = [for arn in local.table_arns : "${arn}${suffix}"]
        actions = distinct(concat(
          part == "Tables" ? ["dynamodb:DescribeTable"] : [],
          flatten([
            for setting, permissions in local.table_permissions :
            try(permissions.read[lower(part)], []) if local.switched_on[setting]
          ]),
        ))
      }
    ],
    [
      for part, suffix in local.table_parts : {
        sid       = "Write${part}"
        resources = [for arn in local.target_arns : "${arn}${suffix}"]
        actions = distinct(flatten([
          for setting, permissions in local.table_permissions :
          try(permissions.write[lower(part)], []) if local.switched_on[setting]
        ]))
      }
    ],
    [
      # The tag that controls a restore is read also where tags are not cloned.
      {
        sid       = "ReadControlTag"
        resources = local.source_arns
        actions   = var.control_tag != null && !local.switched_on["tags"] ? ["dynamodb:ListTagsOfResource"] : []
      },
    ],
  )

  # What lies around the tables.
  service_permissions = {
    stream_triggers = [
      {
        # The action knows no resource to name.
        sid       = "ListTriggers"
        actions   = ["lambda:ListEventSourceMappings"]
        resources = ["*"]
      },
      {
        # The action knows no resource to name, but the function as a condition, with or without an alias or a version. It
        # gives no access to a function or a stream, since Lambda reads the stream with the function's own role
        # (docs.aws.amazon.com/lambda/latest/dg/lambda-api-permissions-ref.html).
        sid       = "CreateTriggers"
        actions   = ["lambda:CreateEventSourceMapping"]
        resources = ["*"]
        conditions = [
          for arns in contains(var.attachable.functions, "*") ? [] : [local.attachable_functions] :
          { test = "ArnLike", variable = "lambda:FunctionArn", values = flatten([for arn in arns : [arn, "${arn}:*"]]) }
        ]
      },
      {
        # Lambda names mappings by a random id.
        sid       = "ReadTriggers"
        actions   = ["lambda:GetEventSourceMapping", "lambda:ListTags"]
        resources = [for region in local.regions : "arn:${local.partition}:lambda:${region}:${local.account}:event-source-mapping:*"]
      },
      {
        # The same. Lambda asks for it where a trigger is created with tags.
        sid       = "TagTriggers"
        actions   = ["lambda:TagResource"]
        resources = ["arn:${local.partition}:lambda:${local.region}:${local.account}:event-source-mapping:*"]
      },
      {
        # Where a customer key encrypts a filter, Lambda decrypts it for who asks and may use the key. Which key that is, is
        # known only when a source is read (docs.aws.amazon.com/lambda/latest/dg/security-encryption-at-rest.html, which shows
        # the encryption context too; docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html).
        sid       = "ReadFiltersOfTriggers"
        actions   = ["kms:Decrypt"]
        resources = [for region in local.regions : "arn:${local.partition}:kms:${region}:${local.account}:key/*"]
        conditions = [
          { test = "StringEquals", variable = "kms:ViaService", values = [for region in local.regions : "lambda.${region}.${data.aws_partition.current.dns_suffix}"] },
          local.filter_of_a_stream,
        ]
      },
      {
        # The same, for a trigger that is created with such a filter.
        sid       = "EncryptFiltersOfTriggers"
        actions   = ["kms:GenerateDataKey"]
        resources = ["arn:${local.partition}:kms:${local.region}:${local.account}:key/*"]
        conditions = [
          { test = "StringEquals", variable = "kms:ViaService", values = ["lambda.${local.region}.${data.aws_partition.current.dns_suffix}"] },
          local.filter_of_a_stream,
        ]
      },
      {
        # The same. The call has no encryption context.
        sid        = "DescribeKeysOfFilters"
        actions    = ["kms:DescribeKey"]
        resources  = [for region in local.regions : "arn:${local.partition}:kms:${region}:${local.account}:key/*"]
        conditions = [{ test = "StringEquals", variable = "kms:ViaService", values = [for region in local.regions : "lambda.${region}.${data.aws_partition.current.dns_suffix}"] }]
      },
    ]

    # Beside its own actions DynamoDB asks for the caller's permissions on the stream
    # (docs.aws.amazon.com/amazondynamodb/latest/developerguide/kds_iam.html).
    kinesis_destination = [
      {
        # Which stream a source table feeds is known only when it is restored; what may be attached at all, `attachable` says.
        sid     = "UseKinesisStreams"
        actions = ["kinesis:DescribeStream", "kinesis:DescribeStreamSummary", "kinesis:PutRecords"]
        resources = [
          for pattern in var.attachable.kinesis_streams :
          startswith(pattern, "arn:") ? pattern : "arn:${local.partition}:kinesis:${local.region}:${local.account}:stream/${pattern}"
        ]
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
        conditions = [{ test = "StringEquals", variable = "iam:AWSServiceName", value = "kinesisreplication.dynamodb.amazonaws.com" }]
      },
    ]

    contributor_insights = [
      {
        # The action knows no resource to name
        # (docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html).
        sid       = "ListContributorInsights"
        actions   = ["dynamodb:ListContributorInsights"]
        resources = ["*"]
      },
      {
        sid        = "CreateContributorInsightsRole"
        actions    = ["iam:CreateServiceLinkedRole"]
        resources  = ["${local.service_linked_role_prefix}/contributorinsights.dynamodb.amazonaws.com/AWSServiceRoleForDynamoDBCloudWatchContributorInsights"]
        conditions = [{ test = "StringEquals", variable = "iam:AWSServiceName", value = "contributorinsights.dynamodb.amazonaws.com" }]
      },
      {
        # DynamoDB asks for it where a customer key encrypts the table
        # (docs.aws.amazon.com/amazondynamodb/latest/developerguide/Contributor_Insights_IAM.html). Which key that is, is
        # known only when the table is there.
        sid        = "ReadKeysForContributorInsights"
        actions    = ["kms:Decrypt"]
        resources  = ["arn:${local.partition}:kms:${local.region}:${local.account}:key/*"]
        conditions = [{ test = "StringEquals", variable = "kms:ViaService", value = "dynamodb.${local.region}.${data.aws_partition.current.dns_suffix}" }]
      },
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
        conditions = [{ test = "StringEquals", variable = "application-autoscaling:service-namespace", value = "dynamodb" }]
      },
      {
        # The probes name no alarm, so a pattern for alarm names would fail them. The worker itself calls none
        # of the three for auto scaling.
        sid       = "ScaleByAlarms"
        actions   = ["cloudwatch:DescribeAlarms", "cloudwatch:PutMetricAlarm", "cloudwatch:DeleteAlarms"]
        resources = ["*"]
      },
      {
        sid        = "CreateAutoScalingRole"
        actions    = ["iam:CreateServiceLinkedRole"]
        resources  = ["${local.service_linked_role_prefix}/dynamodb.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_DynamoDBTable"]
        conditions = [{ test = "StringEquals", variable = "iam:AWSServiceName", value = "dynamodb.application-autoscaling.amazonaws.com" }]
      },
    ]

    cloudwatch_alarms = [
      {
        # Composite alarms are listed only for who may list all, and put only for who may put all
        # (docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html and
        # API_PutCompositeAlarm.html there).
        sid       = "ListAlarmsAndPutCompositeAlarms"
        actions   = ["cloudwatch:DescribeAlarms", "cloudwatch:PutCompositeAlarm"]
        resources = ["*"]
      },
      {
        # An alarm's name need not say which table it watches.
        sid       = "ReadTagsOfAlarms"
        actions   = ["cloudwatch:ListTagsForResource"]
        resources = [for region in local.regions : "arn:${local.partition}:cloudwatch:${region}:${local.account}:alarm:*"]
      },
      {
        # The same. CloudWatch asks for TagResource where an alarm is put with tags.
        sid       = "PutAlarms"
        actions   = ["cloudwatch:PutMetricAlarm", "cloudwatch:TagResource"]
        resources = ["arn:${local.partition}:cloudwatch:${local.region}:${local.account}:alarm:*"]
      },
    ]

    # DynamoDB asks for the caller's permissions on the table that it makes in the other region, and for all that keeps the
    # two the same afterwards; the worker itself calls DescribeTable alone
    # (docs.aws.amazon.com/amazondynamodb/latest/developerguide/globaltables-security.html).
    replicas = [
      {
        # In which regions a source has replicas is known only when it is restored.
        sid = "CreateReplicas"
        actions = [
          "dynamodb:DescribeTable",
          "dynamodb:CreateTable",
          "dynamodb:CreateTableReplica",
          "dynamodb:Query",
          "dynamodb:Scan",
          "dynamodb:GetItem",
          "dynamodb:PutItem",
          "dynamodb:UpdateItem",
          "dynamodb:DeleteItem",
          "dynamodb:BatchWriteItem",
        ]
        resources = [for pattern in distinct(var.table_patterns.target) : "arn:${local.partition}:dynamodb:*:${local.account}:table/${pattern}"]
      },
      {
        # The action knows no resource to name. A provisioned table gets replicas only if it scales.
        sid       = "ReadAutoScalingForReplicas"
        actions   = ["application-autoscaling:DescribeScalingPolicies"]
        resources = ["*"]
      },
      {
        sid        = "CreateReplicationRole"
        actions    = ["iam:CreateServiceLinkedRole"]
        resources  = ["${local.service_linked_role_prefix}/replication.dynamodb.amazonaws.com/AWSServiceRoleForDynamoDBReplication"]
        conditions = [{ test = "StringEquals", variable = "iam:AWSServiceName", value = "replication.dynamodb.amazonaws.com" }]
      },
      {
        # The customer keys of replicas, known no sooner than their regions; through DynamoDB alone. Actions that end in *
        # are DynamoDB's own wording.
        sid        = "UseKeysOfReplicas"
        actions    = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey", "kms:CreateGrant"]
        resources  = ["arn:${local.partition}:kms:*:${local.account}:key/*"]
        conditions = [{ test = "StringLike", variable = "kms:ViaService", value = "dynamodb.*.${data.aws_partition.current.dns_suffix}" }]
      },
    ]
  }

  # What is looked for and reported. All of it only reads.
  finding_permissions = {
    identity_policies = [
      {
        # The action knows no resource to name.
        sid       = "FindIdentityPolicies"
        actions   = ["iam:GetAccountAuthorizationDetails"]
        resources = ["*"]
      },
    ]

    backup_selections = [
      {
        # The action knows no resource to name.
        sid       = "ListBackupPlans"
        actions   = ["backup:ListBackupPlans"]
        resources = ["*"]
      },
      {
        # AWS Backup names plans by a random id, and any of them can select the source.
        sid       = "FindBackupSelections"
        actions   = ["backup:ListBackupSelections", "backup:GetBackupSelection"]
        resources = [for region in local.regions : "arn:${local.partition}:backup:${region}:${local.account}:backup-plan:*"]
      },
    ]

    dashboards = [
      {
        # The action knows no resource to name.
        sid       = "ListDashboards"
        actions   = ["cloudwatch:ListDashboards"]
        resources = ["*"]
      },
      {
        # Any of them can chart the source. A dashboard belongs to no region.
        sid       = "FindDashboards"
        actions   = ["cloudwatch:GetDashboard"]
        resources = ["arn:${local.partition}:cloudwatch::${local.account}:dashboard/*"]
      },
    ]
  }

  service_statements = flatten([for setting, statements in local.service_permissions : statements if local.switched_on[setting]])
  # Several policies, because together they would outgrow one. IAM takes none that is empty.
  settings_policies = {
    for part, statements in {
      tables   = [for statement in local.table_statements : statement if length(statement.actions) > 0]
      services = [for statement in local.service_statements : statement if !startswith(statement.actions[0], "kms:")]
      keys     = [for statement in local.service_statements : statement if startswith(statement.actions[0], "kms:")]
      findings = flatten([for finding, statements in local.finding_permissions : statements if var.findings[finding]])
    } : part => statements if length(statements) > 0
  }

  # What IAM allows a managed policy, white space not counted.
  settings_policy_limit = 6144
  settings_policy_sizes = { for part, document in data.aws_iam_policy_document.settings : part => length(document.minified_json) }
}

data "aws_iam_policy_document" "settings" {
  for_each = local.settings_policies

  dynamic "statement" {
    for_each = each.value

    content {
      sid       = statement.value.sid
      actions   = statement.value.actions
      resources = statement.value.resources

      dynamic "condition" {
        for_each = try(statement.value.conditions, [])

        content {
          test     = condition.value.test
          variable = condition.value.variable
          values   = try(condition.value.values, [condition.value.value])
        }
      }
    }
  }
}

# Policies of their own, because cutover applies settings as the worker does, and because the inline policies of a role
# have 10240 characters together.
resource "aws_iam_policy" "settings" {
  for_each = local.settings_policies

  name        = local.names["${each.key}_policy"]
  description = "What the settings that ${var.name} clones take: ${each.key}"
  policy      = data.aws_iam_policy_document.settings[each.key].json
  tags        = local.tags

  lifecycle {
    precondition {
      condition     = local.settings_policy_sizes[each.key] <= local.settings_policy_limit
      error_message = "The policy ${local.names["${each.key}_policy"]} would have ${local.settings_policy_sizes[each.key]} characters, and IAM takes ${local.settings_policy_limit}: use fewer or wider patterns in table_patterns, or fewer source_regions."
    }
  }
}

resource "aws_iam_role_policy_attachment" "settings" {
  for_each = {
    for pair in setproduct(keys(local.roles), keys(local.settings_policies)) :
    join("-", pair) => { role = pair[0], part = pair[1] }
    # The worker alone looks for what cannot be cloned.
    if pair[1] != "findings" || pair[0] == "worker"
  }

  role       = local.roles[each.value.role].name
  policy_arn = aws_iam_policy.settings[each.value.part].arn
}
