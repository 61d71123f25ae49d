# What is looked for reaches beyond the tables: into policies, plans, trails, endpoints and dashboards of the account. Each search must be
# switched by itself, and leave no permission behind.

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

run "by_default_what_is_read_whole_is_off" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  assert {
    condition     = jsondecode(local.configuration).findings == { for finding in jsondecode(file("modules/restore-worker/findings.json")) : finding.name => finding.default } && [for finding, enabled in jsondecode(local.configuration).findings : finding if !enabled] == ["data_sources", "function_environments", "identity_policies", "ingestion_pipelines", "parameters", "state_machines"]
    error_message = "The worker is told: ${local.configuration}"
  }

  assert {
    condition = {
      for statement in data.aws_iam_policy_document.settings["findings"].statement :
      statement.sid => { actions = sort(statement.actions), resources = tolist(statement.resources) }
      if contains(["ListBackupPlans", "FindBackupSelections", "ListDashboards", "FindDashboards", "FindPipes", "FindFunctionEnvironments", "FindParameters", "FindStateMachines", "FindDataSources", "FindIdentityPolicies", "FindIngestionPipelines", "FindMappingAlarms", "FindTrailDataEvents", "FindVpcEndpointPolicies", "FindZeroEtlIntegrations", "ListIngestionPipelines", "ListTrails"], statement.sid)
      } == {
      FindMappingAlarms       = { actions = tolist(["cloudwatch:DescribeAlarmsForMetric", "lambda:ListEventSourceMappings"]), resources = tolist(["*"]) }
      FindTrailDataEvents     = { actions = tolist(["cloudtrail:GetEventSelectors"]), resources = tolist(["arn:aws:cloudtrail:*:123456789012:trail/*"]) }
      FindVpcEndpointPolicies = { actions = tolist(["ec2:DescribeVpcEndpoints"]), resources = tolist(["*"]) }
      FindZeroEtlIntegrations = { actions = tolist(["glue:DescribeIntegrations", "redshift:DescribeIntegrations"]), resources = tolist(["*"]) }
      ListTrails              = { actions = tolist(["cloudtrail:DescribeTrails"]), resources = tolist(["*"]) }
      ListBackupPlans         = { actions = tolist(["backup:ListBackupPlans"]), resources = tolist(["*"]) }
      FindBackupSelections    = { actions = tolist(["backup:GetBackupSelection", "backup:ListBackupSelections"]), resources = tolist(["arn:aws:backup:us-east-1:123456789012:backup-plan:*"]) }
      ListDashboards          = { actions = tolist(["cloudwatch:ListDashboards"]), resources = tolist(["*"]) }
      FindDashboards          = { actions = tolist(["cloudwatch:GetDashboard"]), resources = tolist(["arn:aws:cloudwatch::123456789012:dashboard/*"]) }
      FindPipes               = { actions = tolist(["pipes:ListPipes"]), resources = tolist(["*"]) }
    }
    error_message = "Statements: ${jsonencode(data.aws_iam_policy_document.settings["findings"].statement)}"
  }
}

run "identity_policies_alone" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    findings = { for finding in jsondecode(file("modules/restore-worker/findings.json")) : finding.name => finding.name == "identity_policies" }
  }

  assert {
    condition     = { for statement in data.aws_iam_policy_document.settings["findings"].statement : statement.sid => join(" ", concat(tolist(statement.actions), tolist(statement.resources))) } == { FindIdentityPolicies = "iam:GetAccountAuthorizationDetails *" }
    error_message = "Statements: ${jsonencode(data.aws_iam_policy_document.settings["findings"].statement)}"
  }

  assert {
    condition     = [for finding, enabled in jsondecode(local.configuration).findings : finding if enabled] == ["identity_policies"]
    error_message = "The worker is told: ${local.configuration}"
  }
}

run "backup_selections_alone" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    findings = { for finding in jsondecode(file("modules/restore-worker/findings.json")) : finding.name => finding.name == "backup_selections" }
  }

  assert {
    condition     = data.aws_iam_policy_document.settings["findings"].statement[*].sid == tolist(["ListBackupPlans", "FindBackupSelections"])
    error_message = "Statements: ${jsonencode(data.aws_iam_policy_document.settings["findings"].statement)}"
  }
}

run "dashboards_alone" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    findings = { for finding in jsondecode(file("modules/restore-worker/findings.json")) : finding.name => finding.name == "dashboards" }
  }

  assert {
    condition     = data.aws_iam_policy_document.settings["findings"].statement[*].sid == tolist(["ListDashboards", "FindDashboards"])
    error_message = "Statements: ${jsonencode(data.aws_iam_policy_document.settings["findings"].statement)}"
  }
}

# Parameters can be secrets, and functions' variables too: whoever wants one of these searches gets no permission of another one.
run "parameters_and_state_machines_alone_in_each_region" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    source_regions = ["eu-west-1"]
    findings       = { for finding in jsondecode(file("modules/restore-worker/findings.json")) : finding.name => contains(["parameters", "state_machines"], finding.name) }
  }

  assert {
    condition = { for statement in data.aws_iam_policy_document.settings["findings"].statement : statement.sid => { actions = tolist(statement.actions), resources = tolist(statement.resources) } } == {
      ListStateMachines = { actions = tolist(["states:ListStateMachines"]), resources = tolist(["*"]) }
      FindStateMachines = { actions = tolist(["states:DescribeStateMachine"]), resources = tolist(["arn:aws:states:eu-west-1:123456789012:stateMachine:*", "arn:aws:states:us-east-1:123456789012:stateMachine:*"]) }
      ListParameters    = { actions = tolist(["ssm:DescribeParameters"]), resources = tolist(["*"]) }
      FindParameters    = { actions = tolist(["ssm:GetParameters"]), resources = tolist(["arn:aws:ssm:eu-west-1:123456789012:parameter/*", "arn:aws:ssm:us-east-1:123456789012:parameter/*"]) }
    }
    error_message = "Statements: ${jsonencode(data.aws_iam_policy_document.settings["findings"].statement)}"
  }
}

run "ingestion_pipelines_alone" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    findings = { for finding in jsondecode(file("modules/restore-worker/findings.json")) : finding.name => finding.name == "ingestion_pipelines" }
  }

  assert {
    condition     = { for statement in data.aws_iam_policy_document.settings["findings"].statement : statement.sid => join(" ", concat(tolist(statement.actions), tolist(statement.resources))) } == { FindIngestionPipelines = "osis:GetPipeline arn:aws:osis:us-east-1:123456789012:pipeline/*", ListIngestionPipelines = "osis:ListPipelines *" }
    error_message = "Statements: ${jsonencode(data.aws_iam_policy_document.settings["findings"].statement)}"
  }
}

# What searches read of the tables themselves is one statement with what settings read, so that the patterns stand there once.
run "a_search_reads_tags_where_the_setting_is_off" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    settings    = { for setting in jsondecode(file("modules/restore-worker/settings.json")) : setting.name => false }
    findings    = { for finding in jsondecode(file("modules/restore-worker/findings.json")) : finding.name => finding.name == "cloudformation_stack" }
    control_tag = null
  }

  assert {
    condition     = { for statement in data.aws_iam_policy_document.settings["tables"].statement : statement.sid => sort(statement.actions) } == { ReadTables = tolist(["dynamodb:DescribeTable", "dynamodb:ListTagsOfResource"]) }
    error_message = "Statements: ${jsonencode(data.aws_iam_policy_document.settings["tables"].statement)}"
  }

  assert {
    condition     = keys(aws_iam_policy.settings) == ["tables"]
    error_message = "Policies: ${join(", ", keys(aws_iam_policy.settings))}"
  }
}

run "no_search_reads_tags_where_none_wants_them" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    settings    = { for setting in jsondecode(file("modules/restore-worker/settings.json")) : setting.name => false }
    findings    = { for finding in jsondecode(file("modules/restore-worker/findings.json")) : finding.name => !contains(["backup_selections", "cloudformation_stack"], finding.name) }
    control_tag = null
  }

  assert {
    condition     = { for statement in data.aws_iam_policy_document.settings["tables"].statement : statement.sid => tolist(statement.actions) } == { ReadTables = tolist(["dynamodb:DescribeTable"]) }
    error_message = "Statements: ${jsonencode(data.aws_iam_policy_document.settings["tables"].statement)}"
  }
}

run "with_nothing_to_look_for_the_policy_is_gone" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    findings = { for finding in jsondecode(file("modules/restore-worker/findings.json")) : finding.name => false }
  }

  assert {
    condition     = keys(aws_iam_policy.settings) == ["keys", "services", "tables"]
    error_message = "Policies: ${join(", ", keys(aws_iam_policy.settings))}"
  }
}

run "a_search_that_does_not_exist_fails" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    findings = { dashboards = true, dashboard = true }
  }

  expect_failures = [var.findings]
}
