# A setting that is switched off must leave no permission behind: the switch is also the promise that the role cannot touch
# it. Every other setting is switched on, then all the others, and each time the statements must be what the catalogue has of
# those that are on: nothing of another is there, and nothing of their own is missing. What the catalogue has is held against the
# calls by tests/unit/test_catalogue.py, and against roles by tests/local/test_permissions.py.

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
  follow      = { backups = false, backup_jobs = false }
}

run "by_default_all_settings_have_the_default_of_the_catalogue" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  assert {
    condition     = jsondecode(local.configuration).settings == { for setting in jsondecode(file("modules/restore-worker/settings.json")) : setting.name => setting.default }
    error_message = "The worker is told: ${local.configuration}"
  }

  assert {
    condition     = !output.settings.replicas && !output.settings.warm_throughput && output.settings.deletion_protection
    error_message = "The output says: ${jsonencode(output.settings)}"
  }
}

run "what_is_named_holds_and_what_is_null_has_its_default" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    settings = { tags = false, ttl = null, warm_throughput = true, replicas = null }
  }

  assert {
    condition     = { for setting in ["tags", "ttl", "warm_throughput", "replicas"] : setting => jsondecode(local.configuration).settings[setting] } == { tags = false, ttl = true, warm_throughput = true, replicas = false }
    error_message = "The worker is told: ${local.configuration}"
  }
}

run "with_every_setting_off_the_role_may_only_describe_tables" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    findings = { for finding in jsondecode(file("modules/restore-worker/findings.json")) : finding.name => false }
    settings = { for setting in jsondecode(file("modules/restore-worker/settings.json"))[*].name : setting => false }
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

run "every_other_setting_takes_its_own_and_nothing_else" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    findings = { for finding in jsondecode(file("modules/restore-worker/findings.json")) : finding.name => false }
    settings = { for index, setting in jsondecode(file("modules/restore-worker/settings.json")) : setting.name => index % 2 == 0 }
  }

  assert {
    condition = jsonencode({
      for part, document in data.aws_iam_policy_document.settings :
      part => { for statement in document.statement : statement.sid => sort(statement.actions) }
      }) == jsonencode({
      for part, statements in {
        tables = {
          for sid, actions in merge([
            for kind, common in { Read = ["dynamodb:DescribeTable"], Write = [] } : {
              for piece in ["Tables", "Indexes", "Streams"] :
              "${kind}${piece}" => sort(distinct(concat(piece == "Tables" ? common : [], flatten([
                for setting in jsondecode(file("modules/restore-worker/settings.json")) :
                setting["table_${lower(kind)}s"][lower(piece)] if var.settings[setting.name]
              ]))))
            }
          ]...) : sid => actions if length(actions) > 0
        }
        services = merge([for setting in jsondecode(file("modules/restore-worker/settings.json")) : {
          for statement in setting.statements : statement.sid => sort(statement.actions) if !startswith(statement.actions[0], "kms:")
        } if var.settings[setting.name]]...)
        keys = merge([for setting in jsondecode(file("modules/restore-worker/settings.json")) : {
          for statement in setting.statements : statement.sid => sort(statement.actions) if startswith(statement.actions[0], "kms:")
        } if var.settings[setting.name]]...)
      } : part => statements if length(statements) > 0
    })
    error_message = "Statements: ${jsonencode({ for part, document in data.aws_iam_policy_document.settings : part => { for statement in document.statement : statement.sid => statement.actions } })}"
  }

  assert {
    condition     = jsondecode(local.configuration).settings == { for setting, enabled in var.settings : setting => enabled }
    error_message = "The worker is told: ${local.configuration}"
  }
}

run "the_others_take_their_own_and_nothing_else" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    findings = { for finding in jsondecode(file("modules/restore-worker/findings.json")) : finding.name => false }
    settings = { for index, setting in jsondecode(file("modules/restore-worker/settings.json")) : setting.name => index % 2 == 1 }
  }

  assert {
    condition = jsonencode({
      for part, document in data.aws_iam_policy_document.settings :
      part => { for statement in document.statement : statement.sid => sort(statement.actions) }
      }) == jsonencode({
      for part, statements in {
        tables = {
          for sid, actions in merge([
            for kind, common in { Read = ["dynamodb:DescribeTable"], Write = [] } : {
              for piece in ["Tables", "Indexes", "Streams"] :
              "${kind}${piece}" => sort(distinct(concat(piece == "Tables" ? common : [], flatten([
                for setting in jsondecode(file("modules/restore-worker/settings.json")) :
                setting["table_${lower(kind)}s"][lower(piece)] if var.settings[setting.name]
              ]))))
            }
          ]...) : sid => actions if length(actions) > 0
        }
        services = merge([for setting in jsondecode(file("modules/restore-worker/settings.json")) : {
          for statement in setting.statements : statement.sid => sort(statement.actions) if !startswith(statement.actions[0], "kms:")
        } if var.settings[setting.name]]...)
        keys = merge([for setting in jsondecode(file("modules/restore-worker/settings.json")) : {
          for statement in setting.statements : statement.sid => sort(statement.actions) if startswith(statement.actions[0], "kms:")
        } if var.settings[setting.name]]...)
      } : part => statements if length(statements) > 0
    })
    error_message = "Statements: ${jsonencode({ for part, document in data.aws_iam_policy_document.settings : part => { for statement in document.statement : statement.sid => statement.actions } })}"
  }

  assert {
    condition     = jsondecode(local.configuration).settings == { for setting, enabled in var.settings : setting => enabled }
    error_message = "The worker is told: ${local.configuration}"
  }
}

run "what_only_an_override_switches_on_is_permitted_but_off_elsewhere" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    findings  = { for finding in jsondecode(file("modules/restore-worker/findings.json")) : finding.name => false }
    settings  = { for setting in jsondecode(file("modules/restore-worker/settings.json"))[*].name : setting => false }
    overrides = [{ source = "orders", settings = { ttl = true, tags = false } }]
  }

  assert {
    condition     = toset(flatten([for document in data.aws_iam_policy_document.settings : document.statement[*].actions])) == toset(["dynamodb:DescribeTable", "dynamodb:DescribeTimeToLive", "dynamodb:UpdateTimeToLive"])
    error_message = "Actions: ${jsonencode([for document in data.aws_iam_policy_document.settings : document.statement[*].actions])}"
  }

  assert {
    condition     = !anytrue(values(jsondecode(local.configuration).settings))
    error_message = "The worker is told: ${local.configuration}"
  }
}

run "what_an_override_or_a_drill_switches_off_is_still_permitted_for_the_rest" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    settings       = { for setting in jsondecode(file("modules/restore-worker/settings.json"))[*].name : setting => setting == "stream_triggers" }
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
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    control_tag    = "team:restore"
    settings       = { tags = false }
    findings       = { for finding in jsondecode(file("modules/restore-worker/findings.json")) : finding.name => false }
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
    condition     = jsondecode(local.configuration).control_tag == "team:restore"
    error_message = "The worker is told: ${local.configuration}"
  }
}

run "where_tags_are_cloned_the_control_tag_is_among_them" {
  command = plan

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

run "where_a_search_reads_tags_the_control_tag_is_among_them" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    control_tag = "team:restore"
    settings    = { tags = false }
  }

  assert {
    condition     = [for statement in data.aws_iam_policy_document.settings["tables"].statement : statement.sid if contains(statement.actions, "dynamodb:ListTagsOfResource")] == ["ReadTables"]
    error_message = "Statements: ${jsonencode(data.aws_iam_policy_document.settings["tables"].statement)}"
  }
}

run "without_a_control_tag_none_is_read" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    settings = { tags = false }
    findings = { for finding in jsondecode(file("modules/restore-worker/findings.json")) : finding.name => false }
  }

  assert {
    condition     = !contains(flatten(data.aws_iam_policy_document.settings["tables"].statement[*].actions), "dynamodb:ListTagsOfResource") && jsondecode(local.configuration).control_tag == null
    error_message = "The worker is told ${local.configuration}; statements: ${jsonencode(data.aws_iam_policy_document.settings["tables"].statement[*].sid)}"
  }
}
