output "wait" {
  description = "How long a restore is followed before it is given up."
  value       = module.dynamodb_restore.restore_worker.wait
}

output "settings" {
  description = "Every setting, and whether it is cloned."
  value       = module.dynamodb_restore.restore_worker.settings
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
  description = "The restore table, with a record of each restore."
  value       = module.dynamodb_restore.restore_table
}

output "topic_arn" {
  description = "The SNS topic for reports and the alarm."
  value       = module.dynamodb_restore.notifications.topic_arn
}

output "rehearse_command" {
  description = "Command that rehearses a restore; null while event_sources is empty."
  value       = module.dynamodb_restore.commands.rehearse
}

output "dry_run_command" {
  description = "Command that compares two tables and changes nothing."
  value       = module.dynamodb_restore.commands.dry_run
}

output "redrive_command" {
  description = "Command that sends the secondary DLQ's messages round again."
  value       = module.dynamodb_restore.commands.redrive
}
