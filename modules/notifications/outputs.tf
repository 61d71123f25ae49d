output "topic_arn" {
  description = "The SNS topic for reports and alarms, made or given; null where nobody is to be notified."
  value       = var.create_topic ? one(aws_sns_topic.notifications[*].arn) : var.topic_arn

  # Who is told where to publish finds the topic open to alarms.
  depends_on = [aws_sns_topic_policy.notifications]
}
