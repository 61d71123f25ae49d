locals {
  environment = {
    RESTORE_TABLE_NAME           = aws_dynamodb_table.restores.name
    RESTORE_QUEUE_URL            = var.restore_queue.url
    DEAD_LETTER_QUEUE_URL        = var.dead_letter_queue.url
    NOTIFICATION_TOPIC_ARN       = var.notifications.topic_arn == null ? "" : var.notifications.topic_arn
    EVENT_BUS_NAME               = local.event_bus_name
    CONFIGURATION                = jsondecode(aws_dynamodb_table_item.configuration.item).sk.S
    RECORD_RETENTION_DAYS        = tostring(var.restore_table.record_retention_days)
    POWERTOOLS_SERVICE_NAME      = var.name
    POWERTOOLS_METRICS_NAMESPACE = "DynamoDBRestore"
  }

  function = {
    name        = local.names.function
    role_name   = local.names.role
    description = "Follows a restore of a DynamoDB table and gives the new table the settings of the old one"
    handler     = "dynamodb_restore.handlers.restore_worker.handler"
    layers      = [aws_lambda_layer_version.dependencies.arn]

    code = {
      filename = var.artifacts.code == null ? "${path.module}/../../dist/dynamodb_restore.zip" : null
      s3       = var.artifacts.code
    }

    environment = local.environment

    runtime              = var.lambda.runtime
    architecture         = var.lambda.architecture
    memory_size          = var.lambda.memory_size
    timeout              = var.lambda.timeout
    reserved_concurrency = var.lambda.reserved_concurrency
    log_level            = var.lambda.log_level
    log_retention_days   = var.lambda.log_retention_days
    tracing              = var.lambda.tracing
    permissions_boundary = var.lambda.permissions_boundary
    role_path            = var.lambda.role_path
    vpc                  = var.lambda.vpc
    kms_key_arn          = var.kms_key_arn
  }
}

resource "aws_lambda_layer_version" "dependencies" {
  layer_name          = local.names.layer
  description         = "Dependencies of the functions of ${var.name}"
  compatible_runtimes = [var.lambda.runtime]

  filename          = var.artifacts.layer == null ? "${path.module}/../../dist/dependencies_layer.zip" : null
  s3_bucket         = try(var.artifacts.layer.bucket, null)
  s3_key            = try(var.artifacts.layer.key, null)
  s3_object_version = try(var.artifacts.layer.object_version, null)
  source_code_hash  = var.artifacts.layer == null ? filebase64sha256("${path.module}/../../dist/dependencies_layer.zip") : var.artifacts.layer.source_hash

  # Functions use the new layer version before the old one is deleted.
  lifecycle {
    create_before_destroy = true
  }
}

module "function" {
  source = "../lambda"

  function = local.function
  tags     = local.tags
}

resource "aws_lambda_event_source_mapping" "restore_queue" {
  event_source_arn = var.restore_queue.arn
  function_name    = module.function.function.arn
  tags             = local.tags

  # One restore per invocation: waiting for one restore does not delay another, and a failure does not repeat another's work.
  batch_size              = 1
  function_response_types = ["ReportBatchItemFailures"]

  # The mapping fetches no more than the function may run. Without this, Lambda's throttling would put messages
  # back, and each return would use up an attempt of a restore that nobody looked at.
  scaling_config {
    maximum_concurrency = var.lambda.maximum_concurrency
  }

  # All that the worker may do: Lambda checks on creation that the role may receive from the queue, and a restore that is
  # handed over before the rest is attached is refused, and so given up.
  depends_on = [
    aws_iam_role_policy.worker,
    aws_iam_role_policy.records,
    aws_iam_role_policy.pipelines,
    aws_iam_role_policy_attachment.settings,
    aws_iam_role_policy_attachment.restore_table_denials,
  ]
}
