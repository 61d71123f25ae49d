# By this item the worker, the operator function and upkeep find the pipeline. They only read it; the state of a replay is in
# other items. It is written last, so that a restore that finds it can switch the mappings at once.
resource "aws_dynamodb_table_item" "registration" {
  table_name = var.binding.restore_table.name
  hash_key   = "pk"
  range_key  = "sk"

  item = jsonencode(merge(local.ttl_attribute == null ? {} : { ttl_attribute = { S = local.ttl_attribute } }, {
    pk                     = { S = "pipeline#${var.table}" }
    sk                     = { S = "registration" }
    capture                = { S = var.capture }
    capture_mapping        = { S = aws_lambda_event_source_mapping.stream.uuid }
    replay_mapping         = { S = aws_lambda_event_source_mapping.buffer.uuid }
    buffer_url             = { S = aws_sqs_queue.buffer.url }
    buffer_dead_letter_url = { S = aws_sqs_queue.dead_letters.url }
    buffer_id              = { S = terraform_data.buffer.id }
    target_patterns        = { L = [for pattern in local.target_patterns : { S = pattern }] }
    failure_bucket         = { S = local.failure_bucket_name }
    image_prefix           = { S = local.image_prefix }
    capture_function       = { S = module.capture.function.arn }
    replay_function        = { S = module.replay.function.arn }
    upkeep_function        = { S = module.upkeep.function.arn }
    # What capture is to read, so that the functions can compare it with the mapping and the table.
    stream_arn            = { S = local.stream_arn }
    stream_has_new_images = { BOOL = local.stream_has_new_images }
    filters               = { L = [for pattern in var.filter : { S = pattern }] }
    # How long a change may be on its way to capture unseen.
    batching_window_seconds = { N = tostring(local.stream_reader.batching_window_seconds) }
    replay_timeout_seconds  = { N = tostring(var.lambda.timeout) }
    # Whose configuration has it, for the note on which pipelines restores own.
    in_root_module = { BOOL = var.in_root_module }
  }))

  depends_on = [aws_iam_role_policy.upkeep]
}
