# The third function of the pipeline. It writes items (repair, bring_in), checks every few minutes whether capture still reads
# the table's stream, and does work that is due some minutes later. The operator function only invokes it, so that only this
# pipeline's own role may write items.
locals {
  upkeep_function = {
    name        = local.names.upkeep
    role_name   = local.names.upkeep_role
    description = "Repairs, brings back and monitors the changes of table ${local.short_table}"
    handler     = "dynamodb_restore.handlers.upkeep.handler"
    layers      = [var.binding.layer_arn]
    code        = local.code

    # Everything else about the pipeline is in its registration.
    environment = merge(local.environment, {
      GROUP_COUNT = tostring(var.group_count)
      BYTE_LIMIT  = tostring(local.bundle_byte_limit)
    })

    runtime      = var.lambda.runtime
    architecture = var.lambda.architecture
    memory_size  = var.lambda.memory_size
    # As long as the operator function, which waits for it.
    timeout              = 300
    log_level            = var.lambda.log_level
    log_retention_days   = var.lambda.log_retention_days
    tracing              = var.lambda.tracing
    permissions_boundary = var.lambda.permissions_boundary
    role_path            = var.lambda.role_path
    vpc                  = var.lambda.vpc
    kms_key_arn          = var.kms_key_arn
  }
}

module "upkeep" {
  source = "../lambda"

  function = local.upkeep_function
  tags     = local.tags
}

# A rule and not EventBridge Scheduler, which needs a role to invoke the function with.
resource "aws_cloudwatch_event_rule" "upkeep" {
  name        = local.names.upkeep_rule
  description = "Checks the change pipeline of table ${local.short_table}"
  # EventBridge refuses "1 minutes" (docs.aws.amazon.com/eventbridge/latest/userguide/eb-rate-expressions.html).
  schedule_expression = var.upkeep_interval_minutes == 1 ? "rate(1 minute)" : "rate(${var.upkeep_interval_minutes} minutes)"
  tags                = local.tags
}

resource "aws_cloudwatch_event_target" "upkeep" {
  rule      = aws_cloudwatch_event_rule.upkeep.name
  target_id = "upkeep"
  arn       = module.upkeep.function.arn
  input     = jsonencode({ action = "upkeep" })

  # The function may be invoked, may do its work, and finds the pipeline, before its first run.
  depends_on = [aws_lambda_permission.upkeep, aws_iam_role_policy.upkeep, aws_dynamodb_table_item.registration]
}

resource "aws_lambda_permission" "upkeep" {
  statement_id  = "OnlyThisRuleInvokes"
  action        = "lambda:InvokeFunction"
  function_name = module.upkeep.function.name
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.upkeep.arn
}
