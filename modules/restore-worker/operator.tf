# The operator function does by direct invocation what a person decides. It applies settings as the worker does, with the
# worker's environment.
locals {
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
