# A setting that is switched off must leave no permission behind: the switch is also the promise that the role cannot touch
# it. Each setting is switched on alone, and all that the role may do then is stated; so nothing of another is there, and
# nothing of its own is missing.

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

  # Statements that are no setting's own have files of their own: findings, and follow for backups.
  control_tag = null
  findings    = { backup_selections = false, dashboards = false }
  follow      = { backups = false, backup_jobs = false }
}

run "by_default_all_settings_are_on_but_those_that_cost" {
  module {
    source = "./modules/restore-worker"
  }

  assert {
    condition = jsondecode(local.environment.SETTINGS) == {
      point_in_time_recovery = true
      deletion_protection    = true
      tags                   = true
      table_class            = true
      on_demand_throughput   = true
      auto_scaling           = true
      stream                 = true
      stream_triggers        = true
      contributor_insights   = true
      kinesis_destination    = true
      cloudwatch_alarms      = true
      warm_throughput        = false
      ttl                    = true
      replicas               = false
      resource_policy        = true
    }
    error_message = "The worker is told: ${local.environment.SETTINGS}"
  }

  assert {
    condition     = output.settings == { for setting, enabled in jsondecode(local.environment.SETTINGS) : setting => enabled }
    error_message = "The output says: ${jsonencode(output.settings)}"
  }
}

run "what_is_named_holds_and_what_is_null_has_its_default" {
  module {
    source = "./modules/restore-worker"
  }

  variables {
    settings = { tags = false, ttl = null, warm_throughput = true, replicas = null }
  }

  assert {
    condition     = [for setting, enabled in jsondecode(local.environment.SETTINGS) : setting if !enabled] == ["replicas", "tags"]
    error_message = "The worker is told: ${local.environment.SETTINGS}"
  }
}

run "with_every_setting_off_the_role_may_only_describe_tables" {
  module {
    source = "./modules/restore-worker"
  }

  variables {
    settings = { for setting in ["point_in_time_recovery", "deletion_protection", "tags", "table_class", "on_demand_throughput", "auto_scaling", "stream", "stream_triggers", "contributor_insights", "kinesis_destination", "cloudwatch_alarms", "warm_throughput", "ttl", "replicas", "resource_policy"] : setting => false }
  }

  assert {
    condition     = { for part, document in data.aws_iam_policy_document.settings : part => flatten(document.statement[*].actions) } == { tables = ["dynamodb:DescribeTable"] }
    error_message = "Actions left: ${jsonencode({ for part, document in data.aws_iam_policy_document.settings : part => document.statement[*].actions })}"
  }

  # IAM refuses a policy without a statement.
  assert {
    condition     = keys(aws_iam_policy.settings) == ["tables"] && keys(aws_iam_role_policy_attachment.settings) == ["operator-tables", "worker-tables"]
    error_message = "Policies: ${join(", ", keys(aws_iam_policy.settings))}; attached: ${join(", ", keys(aws_iam_role_policy_attachment.settings))}"
  }
}

run "point_in_time_recovery_alone_takes_this_and_nothing_else" {
  module {
    source = "./modules/restore-worker"
  }

  variables {
    settings = { for setting in ["point_in_time_recovery", "deletion_protection", "tags", "table_class", "on_demand_throughput", "auto_scaling", "stream", "stream_triggers", "contributor_insights", "kinesis_destination", "cloudwatch_alarms", "warm_throughput", "ttl", "replicas", "resource_policy"] : setting => setting == "point_in_time_recovery" }
  }

  assert {
    condition = {
      for part, document in data.aws_iam_policy_document.settings :
      part => { for statement in document.statement : statement.sid => sort(statement.actions) }
      } == {
      tables = {
        ReadTables  = tolist(["dynamodb:DescribeContinuousBackups", "dynamodb:DescribeTable"])
        WriteTables = tolist(["dynamodb:UpdateContinuousBackups"])
      }
    }
    error_message = "Statements: ${jsonencode({ for part, document in data.aws_iam_policy_document.settings : part => { for statement in document.statement : statement.sid => statement.actions } })}"
  }
}

run "deletion_protection_alone_takes_this_and_nothing_else" {
  module {
    source = "./modules/restore-worker"
  }

  variables {
    settings = { for setting in ["point_in_time_recovery", "deletion_protection", "tags", "table_class", "on_demand_throughput", "auto_scaling", "stream", "stream_triggers", "contributor_insights", "kinesis_destination", "cloudwatch_alarms", "warm_throughput", "ttl", "replicas", "resource_policy"] : setting => setting == "deletion_protection" }
  }

  assert {
    condition = {
      for part, document in data.aws_iam_policy_document.settings :
      part => { for statement in document.statement : statement.sid => sort(statement.actions) }
      } == {
      tables = {
        ReadTables  = tolist(["dynamodb:DescribeTable"])
        WriteTables = tolist(["dynamodb:UpdateTable"])
      }
    }
    error_message = "Statements: ${jsonencode({ for part, document in data.aws_iam_policy_document.settings : part => { for statement in document.statement : statement.sid => statement.actions } })}"
  }
}

run "tags_alone_takes_this_and_nothing_else" {
  module {
    source = "./modules/restore-worker"
  }

  variables {
    settings = { for setting in ["point_in_time_recovery", "deletion_protection", "tags", "table_class", "on_demand_throughput", "auto_scaling", "stream", "stream_triggers", "contributor_insights", "kinesis_destination", "cloudwatch_alarms", "warm_throughput", "ttl", "replicas", "resource_policy"] : setting => setting == "tags" }
  }

  assert {
    condition = {
      for part, document in data.aws_iam_policy_document.settings :
      part => { for statement in document.statement : statement.sid => sort(statement.actions) }
      } == {
      tables = {
        ReadTables  = tolist(["dynamodb:DescribeTable", "dynamodb:ListTagsOfResource"])
        WriteTables = tolist(["dynamodb:TagResource"])
      }
    }
    error_message = "Statements: ${jsonencode({ for part, document in data.aws_iam_policy_document.settings : part => { for statement in document.statement : statement.sid => statement.actions } })}"
  }
}

run "table_class_alone_takes_this_and_nothing_else" {
  module {
    source = "./modules/restore-worker"
  }

  variables {
    settings = { for setting in ["point_in_time_recovery", "deletion_protection", "tags", "table_class", "on_demand_throughput", "auto_scaling", "stream", "stream_triggers", "contributor_insights", "kinesis_destination", "cloudwatch_alarms", "warm_throughput", "ttl", "replicas", "resource_policy"] : setting => setting == "table_class" }
  }

  assert {
    condition = {
      for part, document in data.aws_iam_policy_document.settings :
      part => { for statement in document.statement : statement.sid => sort(statement.actions) }
      } == {
      tables = {
        ReadTables  = tolist(["dynamodb:DescribeTable"])
        WriteTables = tolist(["dynamodb:UpdateTable"])
      }
    }
    error_message = "Statements: ${jsonencode({ for part, document in data.aws_iam_policy_document.settings : part => { for statement in document.statement : statement.sid => statement.actions } })}"
  }
}

run "on_demand_throughput_alone_takes_this_and_nothing_else" {
  module {
    source = "./modules/restore-worker"
  }

  variables {
    settings = { for setting in ["point_in_time_recovery", "deletion_protection", "tags", "table_class", "on_demand_throughput", "auto_scaling", "stream", "stream_triggers", "contributor_insights", "kinesis_destination", "cloudwatch_alarms", "warm_throughput", "ttl", "replicas", "resource_policy"] : setting => setting == "on_demand_throughput" }
  }

  assert {
    condition = {
      for part, document in data.aws_iam_policy_document.settings :
      part => { for statement in document.statement : statement.sid => sort(statement.actions) }
      } == {
      tables = {
        ReadTables  = tolist(["dynamodb:DescribeTable"])
        WriteTables = tolist(["dynamodb:UpdateTable"])
      }
    }
    error_message = "Statements: ${jsonencode({ for part, document in data.aws_iam_policy_document.settings : part => { for statement in document.statement : statement.sid => statement.actions } })}"
  }
}

run "auto_scaling_alone_takes_this_and_nothing_else" {
  module {
    source = "./modules/restore-worker"
  }

  variables {
    settings = { for setting in ["point_in_time_recovery", "deletion_protection", "tags", "table_class", "on_demand_throughput", "auto_scaling", "stream", "stream_triggers", "contributor_insights", "kinesis_destination", "cloudwatch_alarms", "warm_throughput", "ttl", "replicas", "resource_policy"] : setting => setting == "auto_scaling" }
  }

  assert {
    condition = {
      for part, document in data.aws_iam_policy_document.settings :
      part => { for statement in document.statement : statement.sid => sort(statement.actions) }
      } == {
      tables = {
        ReadTables  = tolist(["dynamodb:DescribeTable"])
        WriteTables = tolist(["dynamodb:UpdateTable"])
      }
      services = {
        ReadAutoScaling       = tolist(["application-autoscaling:DescribeScalableTargets", "application-autoscaling:DescribeScalingPolicies", "application-autoscaling:DescribeScheduledActions"])
        WriteAutoScaling      = tolist(["application-autoscaling:PutScalingPolicy", "application-autoscaling:PutScheduledAction", "application-autoscaling:RegisterScalableTarget"])
        ScaleByAlarms         = tolist(["cloudwatch:DeleteAlarms", "cloudwatch:DescribeAlarms", "cloudwatch:PutMetricAlarm"])
        CreateAutoScalingRole = tolist(["iam:CreateServiceLinkedRole"])
      }
    }
    error_message = "Statements: ${jsonencode({ for part, document in data.aws_iam_policy_document.settings : part => { for statement in document.statement : statement.sid => statement.actions } })}"
  }
}

run "stream_alone_takes_this_and_nothing_else" {
  module {
    source = "./modules/restore-worker"
  }

  variables {
    settings = { for setting in ["point_in_time_recovery", "deletion_protection", "tags", "table_class", "on_demand_throughput", "auto_scaling", "stream", "stream_triggers", "contributor_insights", "kinesis_destination", "cloudwatch_alarms", "warm_throughput", "ttl", "replicas", "resource_policy"] : setting => setting == "stream" }
  }

  assert {
    condition = {
      for part, document in data.aws_iam_policy_document.settings :
      part => { for statement in document.statement : statement.sid => sort(statement.actions) }
      } == {
      tables = {
        ReadTables  = tolist(["dynamodb:DescribeTable"])
        WriteTables = tolist(["dynamodb:UpdateTable"])
      }
    }
    error_message = "Statements: ${jsonencode({ for part, document in data.aws_iam_policy_document.settings : part => { for statement in document.statement : statement.sid => statement.actions } })}"
  }
}

run "stream_triggers_alone_takes_this_and_nothing_else" {
  module {
    source = "./modules/restore-worker"
  }

  variables {
    settings = { for setting in ["point_in_time_recovery", "deletion_protection", "tags", "table_class", "on_demand_throughput", "auto_scaling", "stream", "stream_triggers", "contributor_insights", "kinesis_destination", "cloudwatch_alarms", "warm_throughput", "ttl", "replicas", "resource_policy"] : setting => setting == "stream_triggers" }
  }

  assert {
    condition = {
      for part, document in data.aws_iam_policy_document.settings :
      part => { for statement in document.statement : statement.sid => sort(statement.actions) }
      } == {
      tables = {
        ReadTables = tolist(["dynamodb:DescribeTable"])
      }
      services = {
        ListTriggers   = tolist(["lambda:ListEventSourceMappings"])
        CreateTriggers = tolist(["lambda:CreateEventSourceMapping"])
        ReadTriggers   = tolist(["lambda:GetEventSourceMapping", "lambda:ListTags"])
        TagTriggers    = tolist(["lambda:TagResource"])
      }
      keys = {
        ReadFiltersOfTriggers    = tolist(["kms:Decrypt"])
        EncryptFiltersOfTriggers = tolist(["kms:GenerateDataKey"])
        DescribeKeysOfFilters    = tolist(["kms:DescribeKey"])
      }
    }
    error_message = "Statements: ${jsonencode({ for part, document in data.aws_iam_policy_document.settings : part => { for statement in document.statement : statement.sid => statement.actions } })}"
  }
}

run "contributor_insights_alone_takes_this_and_nothing_else" {
  module {
    source = "./modules/restore-worker"
  }

  variables {
    settings = { for setting in ["point_in_time_recovery", "deletion_protection", "tags", "table_class", "on_demand_throughput", "auto_scaling", "stream", "stream_triggers", "contributor_insights", "kinesis_destination", "cloudwatch_alarms", "warm_throughput", "ttl", "replicas", "resource_policy"] : setting => setting == "contributor_insights" }
  }

  assert {
    condition = {
      for part, document in data.aws_iam_policy_document.settings :
      part => { for statement in document.statement : statement.sid => sort(statement.actions) }
      } == {
      tables = {
        ReadIndexes  = tolist(["dynamodb:DescribeContributorInsights"])
        ReadTables   = tolist(["dynamodb:DescribeContributorInsights", "dynamodb:DescribeTable"])
        WriteIndexes = tolist(["dynamodb:UpdateContributorInsights"])
        WriteTables  = tolist(["dynamodb:UpdateContributorInsights"])
      }
      services = {
        ListContributorInsights       = tolist(["dynamodb:ListContributorInsights"])
        CreateContributorInsightsRole = tolist(["iam:CreateServiceLinkedRole"])
      }
      keys = {
        ReadKeysForContributorInsights = tolist(["kms:Decrypt"])
      }
    }
    error_message = "Statements: ${jsonencode({ for part, document in data.aws_iam_policy_document.settings : part => { for statement in document.statement : statement.sid => statement.actions } })}"
  }
}

run "kinesis_destination_alone_takes_this_and_nothing_else" {
  module {
    source = "./modules/restore-worker"
  }

  variables {
    settings = { for setting in ["point_in_time_recovery", "deletion_protection", "tags", "table_class", "on_demand_throughput", "auto_scaling", "stream", "stream_triggers", "contributor_insights", "kinesis_destination", "cloudwatch_alarms", "warm_throughput", "ttl", "replicas", "resource_policy"] : setting => setting == "kinesis_destination" }
  }

  assert {
    condition = {
      for part, document in data.aws_iam_policy_document.settings :
      part => { for statement in document.statement : statement.sid => sort(statement.actions) }
      } == {
      tables = {
        ReadTables  = tolist(["dynamodb:DescribeKinesisStreamingDestination", "dynamodb:DescribeTable"])
        WriteTables = tolist(["dynamodb:EnableKinesisStreamingDestination"])
      }
      services = {
        UseKinesisStreams            = tolist(["kinesis:DescribeStream", "kinesis:DescribeStreamSummary", "kinesis:PutRecords"])
        ListKinesisStreams           = tolist(["kinesis:ListStreams"])
        CreateKinesisReplicationRole = tolist(["iam:CreateServiceLinkedRole"])
      }
    }
    error_message = "Statements: ${jsonencode({ for part, document in data.aws_iam_policy_document.settings : part => { for statement in document.statement : statement.sid => statement.actions } })}"
  }
}

run "cloudwatch_alarms_alone_takes_this_and_nothing_else" {
  module {
    source = "./modules/restore-worker"
  }

  variables {
    settings = { for setting in ["point_in_time_recovery", "deletion_protection", "tags", "table_class", "on_demand_throughput", "auto_scaling", "stream", "stream_triggers", "contributor_insights", "kinesis_destination", "cloudwatch_alarms", "warm_throughput", "ttl", "replicas", "resource_policy"] : setting => setting == "cloudwatch_alarms" }
  }

  assert {
    condition = {
      for part, document in data.aws_iam_policy_document.settings :
      part => { for statement in document.statement : statement.sid => sort(statement.actions) }
      } == {
      tables = {
        ReadTables = tolist(["dynamodb:DescribeTable"])
      }
      services = {
        ListAlarmsAndPutCompositeAlarms = tolist(["cloudwatch:DescribeAlarms", "cloudwatch:PutCompositeAlarm"])
        ReadTagsOfAlarms                = tolist(["cloudwatch:ListTagsForResource"])
        PutAlarms                       = tolist(["cloudwatch:PutMetricAlarm", "cloudwatch:TagResource"])
      }
    }
    error_message = "Statements: ${jsonencode({ for part, document in data.aws_iam_policy_document.settings : part => { for statement in document.statement : statement.sid => statement.actions } })}"
  }
}

run "warm_throughput_alone_takes_this_and_nothing_else" {
  module {
    source = "./modules/restore-worker"
  }

  variables {
    settings = { for setting in ["point_in_time_recovery", "deletion_protection", "tags", "table_class", "on_demand_throughput", "auto_scaling", "stream", "stream_triggers", "contributor_insights", "kinesis_destination", "cloudwatch_alarms", "warm_throughput", "ttl", "replicas", "resource_policy"] : setting => setting == "warm_throughput" }
  }

  assert {
    condition = {
      for part, document in data.aws_iam_policy_document.settings :
      part => { for statement in document.statement : statement.sid => sort(statement.actions) }
      } == {
      tables = {
        ReadTables  = tolist(["dynamodb:DescribeTable"])
        WriteTables = tolist(["dynamodb:UpdateTable"])
      }
    }
    error_message = "Statements: ${jsonencode({ for part, document in data.aws_iam_policy_document.settings : part => { for statement in document.statement : statement.sid => statement.actions } })}"
  }
}

run "ttl_alone_takes_this_and_nothing_else" {
  module {
    source = "./modules/restore-worker"
  }

  variables {
    settings = { for setting in ["point_in_time_recovery", "deletion_protection", "tags", "table_class", "on_demand_throughput", "auto_scaling", "stream", "stream_triggers", "contributor_insights", "kinesis_destination", "cloudwatch_alarms", "warm_throughput", "ttl", "replicas", "resource_policy"] : setting => setting == "ttl" }
  }

  assert {
    condition = {
      for part, document in data.aws_iam_policy_document.settings :
      part => { for statement in document.statement : statement.sid => sort(statement.actions) }
      } == {
      tables = {
        ReadTables  = tolist(["dynamodb:DescribeTable", "dynamodb:DescribeTimeToLive"])
        WriteTables = tolist(["dynamodb:UpdateTimeToLive"])
      }
    }
    error_message = "Statements: ${jsonencode({ for part, document in data.aws_iam_policy_document.settings : part => { for statement in document.statement : statement.sid => statement.actions } })}"
  }
}

run "replicas_alone_takes_this_and_nothing_else" {
  module {
    source = "./modules/restore-worker"
  }

  variables {
    settings = { for setting in ["point_in_time_recovery", "deletion_protection", "tags", "table_class", "on_demand_throughput", "auto_scaling", "stream", "stream_triggers", "contributor_insights", "kinesis_destination", "cloudwatch_alarms", "warm_throughput", "ttl", "replicas", "resource_policy"] : setting => setting == "replicas" }
  }

  assert {
    condition = {
      for part, document in data.aws_iam_policy_document.settings :
      part => { for statement in document.statement : statement.sid => sort(statement.actions) }
      } == {
      tables = {
        ReadTables  = tolist(["dynamodb:DescribeTable"])
        WriteTables = tolist(["dynamodb:UpdateTable"])
      }
      services = {
        CreateReplicas             = tolist(["dynamodb:BatchWriteItem", "dynamodb:CreateTable", "dynamodb:CreateTableReplica", "dynamodb:DeleteItem", "dynamodb:DescribeTable", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:Scan", "dynamodb:UpdateItem"])
        ReadAutoScalingForReplicas = tolist(["application-autoscaling:DescribeScalingPolicies"])
        CreateReplicationRole      = tolist(["iam:CreateServiceLinkedRole"])
      }
      keys = {
        UseKeysOfReplicas = tolist(["kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"])
      }
    }
    error_message = "Statements: ${jsonencode({ for part, document in data.aws_iam_policy_document.settings : part => { for statement in document.statement : statement.sid => statement.actions } })}"
  }
}

run "resource_policy_alone_takes_this_and_nothing_else" {
  module {
    source = "./modules/restore-worker"
  }

  variables {
    settings = { for setting in ["point_in_time_recovery", "deletion_protection", "tags", "table_class", "on_demand_throughput", "auto_scaling", "stream", "stream_triggers", "contributor_insights", "kinesis_destination", "cloudwatch_alarms", "warm_throughput", "ttl", "replicas", "resource_policy"] : setting => setting == "resource_policy" }
  }

  assert {
    condition = {
      for part, document in data.aws_iam_policy_document.settings :
      part => { for statement in document.statement : statement.sid => sort(statement.actions) }
      } == {
      tables = {
        ReadStreams  = tolist(["dynamodb:GetResourcePolicy"])
        ReadTables   = tolist(["dynamodb:DescribeTable", "dynamodb:GetResourcePolicy"])
        WriteStreams = tolist(["dynamodb:PutResourcePolicy"])
        WriteTables  = tolist(["dynamodb:PutResourcePolicy"])
      }
    }
    error_message = "Statements: ${jsonencode({ for part, document in data.aws_iam_policy_document.settings : part => { for statement in document.statement : statement.sid => statement.actions } })}"
  }
}

run "what_only_an_override_switches_on_is_permitted_but_off_elsewhere" {
  module {
    source = "./modules/restore-worker"
  }

  variables {
    settings  = { for setting in ["point_in_time_recovery", "deletion_protection", "tags", "table_class", "on_demand_throughput", "auto_scaling", "stream", "stream_triggers", "contributor_insights", "kinesis_destination", "cloudwatch_alarms", "warm_throughput", "ttl", "replicas", "resource_policy"] : setting => false }
    overrides = [{ source = "orders", settings = { ttl = true, tags = false } }]
  }

  assert {
    condition     = toset(flatten([for document in data.aws_iam_policy_document.settings : document.statement[*].actions])) == toset(["dynamodb:DescribeTable", "dynamodb:DescribeTimeToLive", "dynamodb:UpdateTimeToLive"])
    error_message = "Actions: ${jsonencode([for document in data.aws_iam_policy_document.settings : document.statement[*].actions])}"
  }

  assert {
    condition     = !anytrue(values(jsondecode(local.environment.SETTINGS)))
    error_message = "The worker is told: ${local.environment.SETTINGS}"
  }
}

run "what_an_override_or_a_drill_switches_off_is_still_permitted_for_the_rest" {
  module {
    source = "./modules/restore-worker"
  }

  variables {
    settings       = { for setting in ["point_in_time_recovery", "deletion_protection", "tags", "table_class", "on_demand_throughput", "auto_scaling", "stream", "stream_triggers", "contributor_insights", "kinesis_destination", "cloudwatch_alarms", "warm_throughput", "ttl", "replicas", "resource_policy"] : setting => setting == "stream_triggers" }
    overrides      = [{ source = "orders", settings = { stream_triggers = false } }]
    drill_patterns = ["drill-*"]
  }

  assert {
    condition     = data.aws_iam_policy_document.settings["services"].statement[*].sid == tolist(["ListTriggers", "CreateTriggers", "ReadTriggers", "TagTriggers"])
    error_message = "Statements: ${jsonencode(data.aws_iam_policy_document.settings["services"].statement[*].sid)}"
  }
}

# --- the tag that controls a restore

run "the_control_tag_is_read_from_sources_where_tags_are_not_cloned" {
  module {
    source = "./modules/restore-worker"
  }

  variables {
    control_tag    = "team:restore"
    settings       = { tags = false }
    table_patterns = { source = ["orders"], target = ["orders-*"] }
  }

  assert {
    condition = [
      for statement in data.aws_iam_policy_document.settings["tables"].statement :
      { sid = statement.sid, resources = tolist(statement.resources) } if contains(statement.actions, "dynamodb:ListTagsOfResource")
    ] == [{ sid = "ReadControlTag", resources = tolist(["arn:aws:dynamodb:us-east-1:123456789012:table/orders"]) }]
    error_message = "Statements: ${jsonencode(data.aws_iam_policy_document.settings["tables"].statement)}"
  }

  assert {
    condition     = local.environment.CONTROL_TAG == "team:restore"
    error_message = "The worker is told: ${local.environment.CONTROL_TAG}"
  }
}

run "where_tags_are_cloned_the_control_tag_is_among_them" {
  module {
    source = "./modules/restore-worker"
  }

  variables {
    control_tag = "team:restore"
  }

  assert {
    condition     = [for statement in data.aws_iam_policy_document.settings["tables"].statement : statement.sid if contains(statement.actions, "dynamodb:ListTagsOfResource")] == ["ReadTables"]
    error_message = "Statements: ${jsonencode(data.aws_iam_policy_document.settings["tables"].statement)}"
  }
}

run "without_a_control_tag_none_is_read" {
  module {
    source = "./modules/restore-worker"
  }

  variables {
    settings = { tags = false }
  }

  assert {
    condition     = !contains(flatten(data.aws_iam_policy_document.settings["tables"].statement[*].actions), "dynamodb:ListTagsOfResource") && local.environment.CONTROL_TAG == ""
    error_message = "Tag \"${local.environment.CONTROL_TAG}\"; statements: ${jsonencode(data.aws_iam_policy_document.settings["tables"].statement[*].sid)}"
  }
}
