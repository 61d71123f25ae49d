output "function" {
  description = "The restore worker: function name and ARN."
  value       = module.function.function
}

output "role" {
  description = "The restore worker's role: name and ARN."
  value       = module.function.role
}

output "log_group" {
  description = "The restore worker's log group: name and ARN."
  value       = module.function.log_group
}

output "operator" {
  description = "The operator function, by which a person looks at a replay, cuts over, abandons or repairs, and releases settings that were held: `function`, `role` and `log_group`, each with name and ARN."
  value = {
    function  = module.operator.function
    role      = module.operator.role
    log_group = module.operator.log_group
  }
}

output "restore_table" {
  description = "The restore table, with a record of each restore: name and ARN."
  value = {
    name = aws_dynamodb_table.restores.name
    arn  = aws_dynamodb_table.restores.arn
  }
}

output "alarms" {
  description = "The alarms on the worker: `failing`, if it is killed or fails as a whole, and `slow`, if an invocation takes nearly all its time; each with name and ARN."
  value       = { for kind, alarm in aws_cloudwatch_metric_alarm.worker : kind => { name = alarm.alarm_name, arn = alarm.arn } }
}

output "settings" {
  description = "Every setting, and whether it is cloned where neither an override nor a tag says otherwise."
  value       = local.settings
}

output "wait" {
  description = "How long a restore is followed before it is given up: `shortest`, `expected` and `longest`, each in `seconds` and as `text`."
  value       = local.wait
}

output "binding" {
  description = "What a change pipeline needs to attach itself, in one object: names and ARNs of the restore table and of the functions and roles `worker` and `operator`, the dependency layer, where reports go, the key, for how long a restore that is followed may have nothing new in its record, which restores are followed, and the key of the configuration in the restore table."
  value = {
    name                    = var.name
    restore_table           = { name = aws_dynamodb_table.restores.name, arn = aws_dynamodb_table.restores.arn }
    functions               = { worker = module.function.function, operator = module.operator.function }
    roles                   = local.roles
    layer_arn               = aws_lambda_layer_version.dependencies.arn
    topic_arn               = var.notifications.topic_arn
    event_bus_name          = var.notifications.event_bus_name
    kms_key_arn             = var.kms_key_arn
    longest_silence_seconds = local.longest_silence_seconds
    table_patterns          = local.table_patterns
    configuration           = jsondecode(aws_dynamodb_table_item.configuration.item).sk.S
  }

  # A restore that finds a pipeline's registration can switch its mappings at once.
  depends_on = [aws_iam_role_policy.pipelines]
}

output "dry_run_command" {
  description = "Command that compares any two tables and prints the report, changing nothing. Replace SOURCE_TABLE and TARGET_TABLE; with `\"dry_run\":false` it gives the target the settings of the source."
  value = format(
    "aws lambda invoke --region %s --function-name %s --cli-binary-format raw-in-base64-out --payload '%s' /dev/stdout",
    local.region,
    module.function.function.name,
    jsonencode({ source = "SOURCE_TABLE", target = "TARGET_TABLE", dry_run = true }),
  )
}


output "operator_command" {
  description = "Command for the operator function. Replace SOURCE_TABLE, and `status` by another action on a change pipeline (docs/operator-actions.md); a change pipeline has them filled in as its output `commands`."
  value       = local.operator_commands.status
}

output "commands" {
  description = "Ready-to-paste commands for the operator actions that are not about a change pipeline, by action (docs/operator-actions.md). Replace words in capitals."
  value       = { for action in keys(local.operator_actions.other_commands) : action => local.operator_commands[action] }
}

output "owned_pipelines" {
  description = "Which change pipelines restores own, as the functions noted it in the restore table: the item as JSON, for modules/owned-pipelines."
  value       = aws_dynamodb_table_item.owned_pipelines.item
}
