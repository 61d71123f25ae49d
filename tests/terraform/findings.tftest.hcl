# What is looked for reaches beyond the tables: into every policy, plan and dashboard of the account. Each search must be
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

run "by_default_plans_dashboards_and_pipes_are_looked_at_and_nothing_that_is_read_whole" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  assert {
    condition     = jsondecode(local.configuration).findings == { for finding in jsondecode(file("modules/restore-worker/findings.json")) : finding.name => finding.default } && !anytrue([for search in ["identity_policies", "function_environments", "parameters", "state_machines", "data_sources"] : jsondecode(local.configuration).findings[search]])
    error_message = "The worker is told: ${local.configuration}"
  }

  assert {
    condition = {
      for statement in data.aws_iam_policy_document.settings["findings"].statement :
      statement.sid => { actions = sort(statement.actions), resources = tolist(statement.resources) }
      if contains(["ListBackupPlans", "FindBackupSelections", "ListDashboards", "FindDashboards", "FindPipes", "FindIdentityPolicies", "FindFunctionEnvironments", "FindParameters", "FindStateMachines", "FindDataSources"], statement.sid)
      } == {
      ListBackupPlans      = { actions = tolist(["backup:ListBackupPlans"]), resources = tolist(["*"]) }
      FindBackupSelections = { actions = tolist(["backup:GetBackupSelection", "backup:ListBackupSelections"]), resources = tolist(["arn:aws:backup:us-east-1:123456789012:backup-plan:*"]) }
      ListDashboards       = { actions = tolist(["cloudwatch:ListDashboards"]), resources = tolist(["*"]) }
      FindDashboards       = { actions = tolist(["cloudwatch:GetDashboard"]), resources = tolist(["arn:aws:cloudwatch::123456789012:dashboard/*"]) }
      FindPipes            = { actions = tolist(["pipes:ListPipes"]), resources = tolist(["*"]) }
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
