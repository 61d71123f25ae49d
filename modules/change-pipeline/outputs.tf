output "table" {
  description = "Name of the source table."
  value       = var.table
}

output "functions" {
  description = "The functions `capture`, `replay` and `upkeep`: name and ARN of each."
  value       = { capture = module.capture.function, replay = module.replay.function, upkeep = module.upkeep.function }
}

output "roles" {
  description = "The roles of the functions `capture`, `replay` and `upkeep`: name and ARN of each."
  value       = { capture = module.capture.role, replay = module.replay.role, upkeep = module.upkeep.role }
}

output "log_groups" {
  description = "The log groups of the functions `capture`, `replay` and `upkeep`: name and ARN of each."
  value       = { capture = module.capture.log_group, replay = module.replay.log_group, upkeep = module.upkeep.log_group }
}

output "mappings" {
  description = "The event source mappings that a restore enables and disables: ids of `capture` (from the stream) and `replay` (from the buffer)."
  value = {
    capture = aws_lambda_event_source_mapping.stream.uuid
    replay  = aws_lambda_event_source_mapping.buffer.uuid
  }
}

output "buffer" {
  description = "The FIFO buffer: name, URL, ARN."
  value = {
    name = aws_sqs_queue.buffer.name
    url  = aws_sqs_queue.buffer.url
    arn  = aws_sqs_queue.buffer.arn
  }
}

output "buffer_dead_letter_queue" {
  description = "The FIFO DLQ, for bundles that cannot be decoded or were delivered too often: name, URL, ARN."
  value = {
    name = aws_sqs_queue.dead_letters.name
    url  = aws_sqs_queue.dead_letters.url
    arn  = aws_sqs_queue.dead_letters.arn
  }
}

output "failure_bucket_arn" {
  description = "The bucket for records that capture could not send, created or given."
  value       = local.failure_bucket_arn
}

output "alarms" {
  description = "The alarms: name and ARN of each. `given_up` on changes that capture gave up, `lost` on those that could not even be put into the failure bucket, `set_aside` on the FIFO DLQ, `waiting_long` on the age of the buffer (not with `capture = \"always\"`), `replay_refused`, `misdirected` on capture that does not read the table's stream, `after_cutover` on changes made after it, `upkeep_failing`."
  value       = { for key, alarm in aws_cloudwatch_metric_alarm.pipeline : key => { name = alarm.alarm_name, arn = alarm.arn } }
}

output "upkeep_rule" {
  description = "The EventBridge rule that invokes the upkeep function: name and ARN."
  value       = { name = aws_cloudwatch_event_rule.upkeep.name, arn = aws_cloudwatch_event_rule.upkeep.arn }
}

output "stream_arn" {
  description = "The stream that is captured."
  value       = local.stream_arn
}

output "commands" {
  description = "Ready-to-paste commands for a restore of the table, by operator action; docs/operator-actions.md says what each does. Replace words in capitals, such as START by the time 2026-01-31T03:00:00Z."
  value       = local.commands
}

output "source" {
  description = "The name of the source table."
  value       = var.table
}
