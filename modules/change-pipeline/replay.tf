locals {
  # No more than one invocation works on a group at a time, so more of them than groups never run.
  replay_invocations = min(var.replay_concurrency, var.group_count)

  replay_function = {
    name        = local.names.replay
    role_name   = local.names.replay_role
    description = "Writes the buffered changes of table ${local.short_table} into a restored table"
    handler     = "dynamodb_restore.handlers.replay.handler"
    layers      = [var.binding.layer_arn]
    code        = local.code

    environment = merge(local.environment, {
      BUFFER_URL             = aws_sqs_queue.buffer.url
      BUFFER_DEAD_LETTER_URL = aws_sqs_queue.dead_letters.url
      # Each invocation keeps to its own share of the limit.
      WRITE_UNITS_PER_SECOND = var.write_units_per_second == null ? "" : tostring(var.write_units_per_second / local.replay_invocations)
      READ_UNITS_PER_SECOND  = var.read_units_per_second == null ? "" : tostring(var.read_units_per_second / local.replay_invocations)
    })

    runtime              = var.lambda.runtime
    architecture         = var.lambda.architecture
    memory_size          = var.lambda.memory_size
    timeout              = var.lambda.timeout
    log_level            = var.lambda.log_level
    log_retention_days   = var.lambda.log_retention_days
    tracing              = var.lambda.tracing
    permissions_boundary = var.lambda.permissions_boundary
    role_path            = var.lambda.role_path
    vpc                  = var.lambda.vpc
    kms_key_arn          = var.kms_key_arn
  }
}

module "replay" {
  source = "../lambda"

  function = local.replay_function
  tags     = local.tags
}

resource "aws_lambda_event_source_mapping" "buffer" {
  event_source_arn = aws_sqs_queue.buffer.arn
  function_name    = module.replay.function.arn
  enabled          = false
  tags             = local.tags

  # The most that Lambda takes from a FIFO queue at a time.
  batch_size              = 10
  function_response_types = ["ReportBatchItemFailures"]

  scaling_config {
    maximum_concurrency = var.replay_concurrency
  }

  lifecycle {
    # The worker enables replay when the restored table is active, and cutover disables it: a plan in between must not
    # undo that.
    ignore_changes = [enabled]
  }

  # Lambda checks on creation that the role may receive from the queue.
  depends_on = [aws_iam_role_policy.replay]
}
