# A setting that is switched off must leave no permission behind: the switch is also the promise that the role cannot
# touch it. Each run names the statements that must be gone, and that all others are still there.

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

run "all_seven_settings_are_on_by_default" {
  module {
    source = "./modules/restore-worker"
  }

  assert {
    condition = toset(data.aws_iam_policy_document.settings.statement[*].sid) == toset([
      "DescribeTables",
      "ReadTags",
      "WriteTags",
      "ReadTimeToLive",
      "WriteTimeToLive",
      "EnableStream",
      "ListAndCreateTriggers",
      "ReadAndTagTriggers",
      "ReadKinesisDestinations",
      "EnableKinesisDestination",
      "UseKinesisStreams",
      "ListKinesisStreams",
      "CreateKinesisReplicationRole",
      "ReadPointInTimeRecovery",
      "EnablePointInTimeRecovery",
      "ReadAutoScaling",
      "WriteAutoScaling",
      "ScaleTables",
      "ScaleByAlarms",
      "CreateAutoScalingRole",
    ])
    error_message = "Statements of the settings policy: ${join(", ", data.aws_iam_policy_document.settings.statement[*].sid)}"
  }

  assert {
    condition = jsondecode(local.environment.SETTINGS) == {
      tags                   = true
      ttl                    = true
      stream                 = true
      stream_triggers        = true
      kinesis_destination    = true
      point_in_time_recovery = true
      auto_scaling           = true
    }
    error_message = "The worker is told: ${local.environment.SETTINGS}"
  }
}

run "without_tags_its_statements_are_gone_and_no_others" {
  module {
    source = "./modules/restore-worker"
  }

  variables {
    settings = { tags = false }
  }

  assert {
    condition = toset(data.aws_iam_policy_document.settings.statement[*].sid) == toset([
      "DescribeTables",
      "ReadTimeToLive",
      "WriteTimeToLive",
      "EnableStream",
      "ListAndCreateTriggers",
      "ReadAndTagTriggers",
      "ReadKinesisDestinations",
      "EnableKinesisDestination",
      "UseKinesisStreams",
      "ListKinesisStreams",
      "CreateKinesisReplicationRole",
      "ReadPointInTimeRecovery",
      "EnablePointInTimeRecovery",
      "ReadAutoScaling",
      "WriteAutoScaling",
      "ScaleTables",
      "ScaleByAlarms",
      "CreateAutoScalingRole",
    ])
    error_message = "Statements of the settings policy: ${join(", ", data.aws_iam_policy_document.settings.statement[*].sid)}"
  }

  assert {
    condition     = [for setting, enabled in jsondecode(local.environment.SETTINGS) : setting if !enabled] == ["tags"]
    error_message = "The worker is told: ${local.environment.SETTINGS}"
  }
}

run "without_ttl_its_statements_are_gone_and_no_others" {
  module {
    source = "./modules/restore-worker"
  }

  variables {
    settings = { ttl = false }
  }

  assert {
    condition = toset(data.aws_iam_policy_document.settings.statement[*].sid) == toset([
      "DescribeTables",
      "ReadTags",
      "WriteTags",
      "EnableStream",
      "ListAndCreateTriggers",
      "ReadAndTagTriggers",
      "ReadKinesisDestinations",
      "EnableKinesisDestination",
      "UseKinesisStreams",
      "ListKinesisStreams",
      "CreateKinesisReplicationRole",
      "ReadPointInTimeRecovery",
      "EnablePointInTimeRecovery",
      "ReadAutoScaling",
      "WriteAutoScaling",
      "ScaleTables",
      "ScaleByAlarms",
      "CreateAutoScalingRole",
    ])
    error_message = "Statements of the settings policy: ${join(", ", data.aws_iam_policy_document.settings.statement[*].sid)}"
  }

  assert {
    condition     = [for setting, enabled in jsondecode(local.environment.SETTINGS) : setting if !enabled] == ["ttl"]
    error_message = "The worker is told: ${local.environment.SETTINGS}"
  }
}

run "without_stream_its_statements_are_gone_and_no_others" {
  module {
    source = "./modules/restore-worker"
  }

  variables {
    settings = { stream = false }
  }

  assert {
    condition = toset(data.aws_iam_policy_document.settings.statement[*].sid) == toset([
      "DescribeTables",
      "ReadTags",
      "WriteTags",
      "ReadTimeToLive",
      "WriteTimeToLive",
      "ListAndCreateTriggers",
      "ReadAndTagTriggers",
      "ReadKinesisDestinations",
      "EnableKinesisDestination",
      "UseKinesisStreams",
      "ListKinesisStreams",
      "CreateKinesisReplicationRole",
      "ReadPointInTimeRecovery",
      "EnablePointInTimeRecovery",
      "ReadAutoScaling",
      "WriteAutoScaling",
      "ScaleTables",
      "ScaleByAlarms",
      "CreateAutoScalingRole",
    ])
    error_message = "Statements of the settings policy: ${join(", ", data.aws_iam_policy_document.settings.statement[*].sid)}"
  }

  assert {
    condition     = [for setting, enabled in jsondecode(local.environment.SETTINGS) : setting if !enabled] == ["stream"]
    error_message = "The worker is told: ${local.environment.SETTINGS}"
  }
}

run "without_stream_triggers_its_statements_are_gone_and_no_others" {
  module {
    source = "./modules/restore-worker"
  }

  variables {
    settings = { stream_triggers = false }
  }

  assert {
    condition = toset(data.aws_iam_policy_document.settings.statement[*].sid) == toset([
      "DescribeTables",
      "ReadTags",
      "WriteTags",
      "ReadTimeToLive",
      "WriteTimeToLive",
      "EnableStream",
      "ReadKinesisDestinations",
      "EnableKinesisDestination",
      "UseKinesisStreams",
      "ListKinesisStreams",
      "CreateKinesisReplicationRole",
      "ReadPointInTimeRecovery",
      "EnablePointInTimeRecovery",
      "ReadAutoScaling",
      "WriteAutoScaling",
      "ScaleTables",
      "ScaleByAlarms",
      "CreateAutoScalingRole",
    ])
    error_message = "Statements of the settings policy: ${join(", ", data.aws_iam_policy_document.settings.statement[*].sid)}"
  }

  assert {
    condition     = [for setting, enabled in jsondecode(local.environment.SETTINGS) : setting if !enabled] == ["stream_triggers"]
    error_message = "The worker is told: ${local.environment.SETTINGS}"
  }
}

run "without_kinesis_destination_its_statements_are_gone_and_no_others" {
  module {
    source = "./modules/restore-worker"
  }

  variables {
    settings = { kinesis_destination = false }
  }

  assert {
    condition = toset(data.aws_iam_policy_document.settings.statement[*].sid) == toset([
      "DescribeTables",
      "ReadTags",
      "WriteTags",
      "ReadTimeToLive",
      "WriteTimeToLive",
      "EnableStream",
      "ListAndCreateTriggers",
      "ReadAndTagTriggers",
      "ReadPointInTimeRecovery",
      "EnablePointInTimeRecovery",
      "ReadAutoScaling",
      "WriteAutoScaling",
      "ScaleTables",
      "ScaleByAlarms",
      "CreateAutoScalingRole",
    ])
    error_message = "Statements of the settings policy: ${join(", ", data.aws_iam_policy_document.settings.statement[*].sid)}"
  }

  assert {
    condition     = [for setting, enabled in jsondecode(local.environment.SETTINGS) : setting if !enabled] == ["kinesis_destination"]
    error_message = "The worker is told: ${local.environment.SETTINGS}"
  }
}

run "without_point_in_time_recovery_its_statements_are_gone_and_no_others" {
  module {
    source = "./modules/restore-worker"
  }

  variables {
    settings = { point_in_time_recovery = false }
  }

  assert {
    condition = toset(data.aws_iam_policy_document.settings.statement[*].sid) == toset([
      "DescribeTables",
      "ReadTags",
      "WriteTags",
      "ReadTimeToLive",
      "WriteTimeToLive",
      "EnableStream",
      "ListAndCreateTriggers",
      "ReadAndTagTriggers",
      "ReadKinesisDestinations",
      "EnableKinesisDestination",
      "UseKinesisStreams",
      "ListKinesisStreams",
      "CreateKinesisReplicationRole",
      "ReadAutoScaling",
      "WriteAutoScaling",
      "ScaleTables",
      "ScaleByAlarms",
      "CreateAutoScalingRole",
    ])
    error_message = "Statements of the settings policy: ${join(", ", data.aws_iam_policy_document.settings.statement[*].sid)}"
  }

  assert {
    condition     = [for setting, enabled in jsondecode(local.environment.SETTINGS) : setting if !enabled] == ["point_in_time_recovery"]
    error_message = "The worker is told: ${local.environment.SETTINGS}"
  }
}

run "without_auto_scaling_its_statements_are_gone_and_no_others" {
  module {
    source = "./modules/restore-worker"
  }

  variables {
    settings = { auto_scaling = false }
  }

  assert {
    condition = toset(data.aws_iam_policy_document.settings.statement[*].sid) == toset([
      "DescribeTables",
      "ReadTags",
      "WriteTags",
      "ReadTimeToLive",
      "WriteTimeToLive",
      "EnableStream",
      "ListAndCreateTriggers",
      "ReadAndTagTriggers",
      "ReadKinesisDestinations",
      "EnableKinesisDestination",
      "UseKinesisStreams",
      "ListKinesisStreams",
      "CreateKinesisReplicationRole",
      "ReadPointInTimeRecovery",
      "EnablePointInTimeRecovery",
    ])
    error_message = "Statements of the settings policy: ${join(", ", data.aws_iam_policy_document.settings.statement[*].sid)}"
  }

  assert {
    condition     = [for setting, enabled in jsondecode(local.environment.SETTINGS) : setting if !enabled] == ["auto_scaling"]
    error_message = "The worker is told: ${local.environment.SETTINGS}"
  }
}

run "with_every_setting_off_the_role_may_only_describe_tables" {
  module {
    source = "./modules/restore-worker"
  }

  variables {
    settings = {
      tags                   = false
      ttl                    = false
      stream                 = false
      stream_triggers        = false
      kinesis_destination    = false
      point_in_time_recovery = false
      auto_scaling           = false
    }
  }

  assert {
    condition     = flatten(data.aws_iam_policy_document.settings.statement[*].actions) == ["dynamodb:DescribeTable"]
    error_message = "Actions left: ${join(", ", flatten(data.aws_iam_policy_document.settings.statement[*].actions))}"
  }
}
