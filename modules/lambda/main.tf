data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  # Put together here, because the role has its policies before there is a function.
  function_arn = "arn:${data.aws_partition.current.partition}:lambda:${data.aws_region.current.id}:${data.aws_caller_identity.current.account_id}:function:${var.function.name}"
}

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
  path                 = var.function.role_path
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

# What Lambda needs of the role of a function in a VPC, as in AWSLambdaVPCAccessExecutionRole
# (docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html). Lambda makes the calls, and the function is denied them.
data "aws_iam_policy_document" "vpc" {
  # checkov:skip=CKV_AWS_111:Lambda chooses the ids of the interfaces, and the function itself is denied all of this.

  count = var.function.vpc == null ? 0 : 1

  statement {
    sid = "LambdaAttachesToTheVpc"
    actions = [
      "ec2:AssignPrivateIpAddresses",
      "ec2:CreateNetworkInterface",
      "ec2:DeleteNetworkInterface",
      "ec2:DescribeNetworkInterfaces",
      "ec2:DescribeSubnets",
      "ec2:UnassignPrivateIpAddresses",
    ]
    # The two Describe actions know no resource to name, and Lambda chooses the ids of the interfaces that it makes.
    resources = ["*"]
  }

  statement {
    sid    = "TheFunctionDoesNot"
    effect = "Deny"
    actions = [
      "ec2:AssignPrivateIpAddresses",
      "ec2:CreateNetworkInterface",
      "ec2:DeleteNetworkInterface",
      "ec2:DescribeNetworkInterfaces",
      "ec2:DescribeSubnets",
      "ec2:DetachNetworkInterface",
      "ec2:UnassignPrivateIpAddresses",
    ]
    # Every interface: the function has nothing to do with any.
    resources = ["*"]

    condition {
      test     = "ArnEquals"
      variable = "lambda:SourceFunctionArn"
      values   = [local.function_arn]
    }
  }
}

resource "aws_iam_role_policy" "vpc" {
  count = var.function.vpc == null ? 0 : 1

  name   = "vpc"
  role   = aws_iam_role.this.name
  policy = data.aws_iam_policy_document.vpc[0].json
}

resource "aws_iam_role_policy" "runtime" {
  name   = "runtime"
  role   = aws_iam_role.this.name
  policy = data.aws_iam_policy_document.runtime.json
}

resource "aws_lambda_function" "this" {
  # checkov:skip=CKV_AWS_116:It would take asynchronous events only: queues and streams have their own, and what the reconciler drops raises its alarm.
  # checkov:skip=CKV_AWS_117:The functions speak to AWS alone and have nothing inside a VPC to reach; `vpc` is for estates that ask for one.
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

  dynamic "vpc_config" {
    for_each = var.function.vpc == null ? [] : [var.function.vpc]

    content {
      subnet_ids         = vpc_config.value.subnet_ids
      security_group_ids = vpc_config.value.security_group_ids
    }
  }

  # An invocation before the policy is in place would lose its logs, and Lambda checks on creation that the role may attach
  # the function to a VPC.
  depends_on = [aws_iam_role_policy.runtime, aws_iam_role_policy.vpc]
}
