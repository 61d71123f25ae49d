# How the worker and the operator function know of this pipeline. They only read it; where a replay stands is in other
# items. Written last: a restore that finds it can switch the mappings at once.
resource "aws_dynamodb_table_item" "registration" {
  table_name = var.binding.restore_table.name
  hash_key   = "pk"
  range_key  = "sk"

  item = jsonencode({
    pk                     = { S = "pipeline#${var.table}" }
    sk                     = { S = "registration" }
    capture                = { S = var.capture }
    capture_mapping        = { S = aws_lambda_event_source_mapping.stream.uuid }
    replay_mapping         = { S = aws_lambda_event_source_mapping.buffer.uuid }
    buffer_url             = { S = aws_sqs_queue.buffer.url }
    buffer_dead_letter_url = { S = aws_sqs_queue.dead_letters.url }
    buffer_id              = { S = terraform_data.buffer.id }
    target_patterns        = { L = [for pattern in var.target_patterns : { S = pattern }] }
    failure_bucket         = { S = local.failure_bucket_name }
  })

  depends_on = [aws_iam_role_policy.worker, aws_iam_role_policy.operator]
}
