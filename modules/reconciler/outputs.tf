output "function" {
  description = "The reconciler: function name and ARN."
  value       = module.function.function
}

output "role" {
  description = "The reconciler's role: name and ARN."
  value       = module.function.role
}

output "log_group" {
  description = "The reconciler's log group: name and ARN."
  value       = module.function.log_group
}

output "rule" {
  description = "The rule that invokes it: name, ARN and schedule."
  value = {
    name     = aws_cloudwatch_event_rule.schedule.name
    arn      = aws_cloudwatch_event_rule.schedule.arn
    schedule = aws_cloudwatch_event_rule.schedule.schedule_expression
  }
}

output "unseen_alarm" {
  description = "The alarm on tables that it cannot describe: name and ARN."
  value = {
    name = aws_cloudwatch_metric_alarm.unseen.alarm_name
    arn  = aws_cloudwatch_metric_alarm.unseen.arn
  }
}

output "alarm" {
  description = "The alarm on looks that failed: name and ARN."
  value = {
    name = aws_cloudwatch_metric_alarm.failing.alarm_name
    arn  = aws_cloudwatch_metric_alarm.failing.arn
  }
}
