# The operator function does by direct invocation what a person decides. It applies settings as the worker does, with the
# worker's environment.
locals {
  # Generated from lambda_src/dynamodb_restore/actions by `make catalog`.
  operator_actions = jsondecode(file("${path.module}/actions.json"))

  # The client waits as long as the function may run: one that gave up earlier would call again meanwhile.
  operator_commands = {
    for action, arguments in merge(
      { status = { table = "SOURCE_TABLE" } },
      local.operator_actions.other_commands,
      ) : action => format(
      "aws lambda invoke --region %s --function-name %s --cli-read-timeout 0 --cli-binary-format raw-in-base64-out --payload '%s' /dev/stdout",
      local.region,
      module.operator.function.name,
      jsonencode(merge({ action = action }, arguments)),
    )
  }

  operator = merge(local.function, {
    name        = local.names.operator
    role_name   = local.names.operator_role
    description = "Shows, ends and repairs the replay of changes into a restored DynamoDB table, and releases settings"
    handler     = "dynamodb_restore.handlers.operator.handler"
    # A cutover waits for the table between the settings that it still has to apply.
    timeout = 300
    # Held for the worker, which works on many restores at once.
    reserved_concurrency = null
  })
}

module "operator" {
  source = "../lambda"

  function = local.operator
  tags     = local.tags
}
