data "aws_iam_policy_document" "assume" {
  statement {
    sid     = "LambdaRunsTheFunction"
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "this" {
  name                 = var.function.role_name
  description          = "Role of the Lambda function ${var.function.name}"
  assume_role_policy   = data.aws_iam_policy_document.assume.json
  permissions_boundary = var.function.permissions_boundary
  tags                 = var.tags
}

# The group is made here and not by Lambda, so that it has its retention, key and tags from the first line on
# and goes away with the module.
resource "aws_cloudwatch_log_group" "this" {
  name              = "/aws/lambda/${var.function.name}"
  retention_in_days = var.function.log_retention_days
  kms_key_id        = var.function.kms_key_arn
  tags              = var.tags
}

data "aws_iam_policy_document" "runtime" {
  statement {
    sid     = "WriteLogs"
    actions = ["logs:CreateLogStream", "logs:PutLogEvents"]
    # Lambda names the streams within the group as it starts execution environments.
    resources = ["${aws_cloudwatch_log_group.this.arn}:*"]
  }

  dynamic "statement" {
    for_each = var.function.tracing ? [true] : []

    content {
      sid     = "SendTraces"
      actions = ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]
      # X-Ray knows no resource to name for these actions.
      resources = ["*"]
    }
  }
}

resource "aws_iam_role_policy" "runtime" {
  name   = "runtime"
  role   = aws_iam_role.this.name
  policy = data.aws_iam_policy_document.runtime.json
}

resource "aws_lambda_function" "this" {
  # checkov:skip=CKV_AWS_116:It would take asynchronous events only: queues and streams have their own, and what the reconciler drops raises its alarm.
  # checkov:skip=CKV_AWS_117:The functions speak to AWS alone and have nothing inside a VPC to reach.
  # checkov:skip=CKV_AWS_272:It would take a signing profile of the account and a zip signed by it. The plan shows the zip's hash.

  function_name = var.function.name
  description   = var.function.description
  role          = aws_iam_role.this.arn
  handler       = var.function.handler
  runtime       = var.function.runtime
  architectures = [var.function.architecture]
  memory_size   = var.function.memory_size
  timeout       = var.function.timeout
  layers        = var.function.layers
  kms_key_arn   = var.function.kms_key_arn
  tags          = var.tags

  # -1 is the provider's word for "none reserved".
  reserved_concurrent_executions = var.function.reserved_concurrency == null ? -1 : var.function.reserved_concurrency

  filename          = var.function.code.filename
  s3_bucket         = try(var.function.code.s3.bucket, null)
  s3_key            = try(var.function.code.s3.key, null)
  s3_object_version = try(var.function.code.s3.object_version, null)
  source_code_hash  = var.function.code.filename == null ? var.function.code.s3.source_hash : filebase64sha256(var.function.code.filename)

  environment {
    variables = merge({ POWERTOOLS_LOG_LEVEL = var.function.log_level }, var.function.environment)
  }

  # Text, not Lambda's JSON: the functions write JSON lines themselves.
  logging_config {
    log_format = "Text"
    log_group  = aws_cloudwatch_log_group.this.name
  }

  tracing_config {
    mode = var.function.tracing ? "Active" : "PassThrough"
  }

  # An invocation before the policy is in place would lose its logs.
  depends_on = [aws_iam_role_policy.runtime]
}
