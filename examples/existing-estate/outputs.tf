output "table" {
  description = "The estate's table."
  value       = aws_dynamodb_table.orders.name
}

output "event_bus_name" {
  description = "The bus that gets reports."
  value       = aws_cloudwatch_event_bus.platform.name
}

output "commands" {
  description = "Commands for a restore of the table: status, cutover, abandon, repair, window."
  value       = module.orders_pipeline.commands
}

output "mappings" {
  description = "Ids of the mappings that a restore switches: capture and replay."
  value       = module.orders_pipeline.mappings
}

output "reconciler" {
  description = "The function that looks for restores whose event never came."
  value       = module.reconciler.function
}

output "redrive_command" {
  description = "Command that sends the secondary DLQ's messages round again."
  value       = module.restore_events.redrive_command
}
