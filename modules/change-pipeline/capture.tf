locals {
  # After a send with an unknown result, capture waits until a late effect can do no harm. Together with the work before
  # it, that takes up to four minutes (lambda_src/dynamodb_restore/changes/capture.py).
  capture_timeout = max(var.lambda.timeout, 240)

  capture_function = {
    name        = local.names.capture
    role_name   = local.names.capture_role
    description = "Puts the changes of table ${local.short_table} into the buffer"
    handler     = "dynamodb_restore.handlers.capture.handler"
    layers      = [var.binding.layer_arn]
    code        = local.code

    environment = merge(local.environment, {
      BUFFER_URL    = aws_sqs_queue.buffer.url
      GROUP_COUNT   = tostring(var.group_count)
      BYTE_LIMIT    = tostring(local.bundle_byte_limit)
      KEEP_EXPIRIES = tostring(var.keep_expiries)
      TTL_ATTRIBUTE = local.ttl_attribute == null ? "" : local.ttl_attribute
    })

    runtime              = var.lambda.runtime
    architecture         = var.lambda.architecture
    memory_size          = var.lambda.memory_size
    timeout              = local.capture_timeout
    reserved_concurrency = var.capture_reserved_concurrency
    log_level            = var.lambda.log_level
    log_retention_days   = var.lambda.log_retention_days
    tracing              = var.lambda.tracing
    permissions_boundary = var.lambda.permissions_boundary
    role_path            = var.lambda.role_path
    vpc                  = var.lambda.vpc
    kms_key_arn          = var.kms_key_arn
  }
}

module "capture" {
  source = "../lambda"

  function = local.capture_function
  tags     = local.tags
}

resource "aws_lambda_event_source_mapping" "stream" {
  event_source_arn = local.stream_arn
  function_name    = module.capture.function.arn
  enabled          = var.capture == "always"
  tags             = local.tags

  # From the oldest change that the stream still has: enabled at a restore, capture reaches back up to 24 hours.
  starting_position                  = "TRIM_HORIZON"
  batch_size                         = local.stream_reader.batch_size
  maximum_batching_window_in_seconds = local.stream_reader.batching_window_seconds
  parallelization_factor             = local.stream_reader.parallelization_factor

  # Changes are retried for as long as the stream has them: a skipped change would be missing in the target. Records that
  # cannot be sent in that time go to the bucket, complete.
  function_response_types        = ["ReportBatchItemFailures"]
  bisect_batch_on_function_error = true
  maximum_retry_attempts         = -1
  maximum_record_age_in_seconds  = local.stream_reader.maximum_record_age_seconds

  destination_config {
    on_failure {
      destination_arn = local.failure_bucket_arn
    }
  }

  # For the alarms on changes that capture gives up. Lambda sends these metrics only while the mapping is enabled.
  metrics_config {
    metrics = ["EventCount"]
  }

  dynamic "filter_criteria" {
    for_each = length(var.filter) == 0 ? [] : [var.filter]

    content {
      dynamic "filter" {
        for_each = filter_criteria.value

        content {
          pattern = filter.value
        }
      }
    }
  }

  lifecycle {
    # The worker enables capture when a restore is requested and disables it at the end: a plan in between must not
    # undo that. Upkeep enables it where `capture` was changed, or where a mapping was made anew during a restore.
    ignore_changes = [enabled]
    # No create_before_destroy for another stream. Of two streams of one table that are read at once, the old one's changes of an
    # item could come after the new one's. And it would hold for all that the mapping depends on, the restore table too: a changed
    # name would make another one before AWS refuses to delete this one, and could not be taken back.
  }

  # Lambda checks on creation that the role may read the stream and write to the bucket.
  depends_on = [aws_iam_role_policy.capture]
}
