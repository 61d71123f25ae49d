output "table" {
  description = "The table whose changes are captured while it is restored."
  value       = local.table
}

output "commands" {
  description = "Commands for a restore of the table, by operator action."
  value       = module.dynamodb_restore.commands.pipelines[local.table]
}

output "pipeline" {
  description = "The table's change pipeline."
  value       = module.dynamodb_restore.change_pipelines[local.table]
}

output "operator" {
  description = "The operator function."
  value       = module.dynamodb_restore.operator
}

output "function" {
  description = "The restore worker: function name and ARN."
  value       = module.dynamodb_restore.restore_worker.function
}

output "restore_queue" {
  description = "The restore queue."
  value       = module.dynamodb_restore.restore_events.queue
}

output "dead_letter_queue" {
  description = "The secondary DLQ."
  value       = module.dynamodb_restore.restore_events.dead_letter_queue
}

output "restore_table" {
  description = "The restore table."
  value       = module.dynamodb_restore.restore_table
}

output "topic_arn" {
  description = "The SNS topic for reports and the alarm."
  value       = module.dynamodb_restore.notifications.topic_arn
}

output "wait" {
  description = "How long a restore is followed before it is given up."
  value       = module.dynamodb_restore.restore_worker.wait
}
