locals {
  # Generated from lambda_src/dynamodb_restore/actions by `make catalog`.
  operator_actions = jsondecode(file("${path.module}/../restore-worker/actions.json"))

  # The client waits as long as the function may run. With a shorter timeout it would call again while the function still runs.
  commands = {
    for action, arguments in local.operator_actions.pipeline_commands : action => format(
      "aws lambda invoke --region %s --function-name %s --cli-read-timeout 0 --cli-binary-format raw-in-base64-out --payload '%s' /dev/stdout",
      local.region,
      var.binding.functions.operator.name,
      jsonencode(merge({ action = action, table = var.table }, arguments)),
    )
  }
}
