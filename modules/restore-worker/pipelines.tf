# What the worker and the operator function may do with change pipelines. Which pipelines there are, and what each of them
# has, the functions read from the registrations in the restore table. The policies go by names instead, so that they are as
# long for one pipeline as for a hundred: all that a pipeline of this deployment has is called NAME--LABEL-SUFFIX, and no
# other deployment can give a name that begins so (modules/names). Suffixes are those of modules/change-pipeline.
module "pipeline_names" {
  source = "../names"

  name  = var.name
  label = "any"

  wanted = {
    upkeep            = { suffix = "upkeep", limit = 64, characters = "function" }
    buffer            = { suffix = "changes", limit = 80 - length(".fifo"), characters = "function" }
    dead_letter_queue = { suffix = "changes-dlq", limit = 80 - length(".fifo"), characters = "function" }
    bucket            = { suffix = "failures-${local.account}", limit = 63, characters = "bucket", hashed = local.region }
  }
}

locals {
  given_up_prefix     = "aws/lambda/"
  failure_buckets     = distinct(concat(["arn:${local.partition}:s3:::${module.pipeline_names.patterns.bucket}"], var.failure_buckets))
  failure_bucket_keys = distinct(concat(var.kms_key_arn == null ? [] : [var.kms_key_arn], var.failure_bucket_kms_key_arns))
  every_mapping       = ["arn:${local.partition}:lambda:${local.region}:${local.account}:event-source-mapping:*"]

  # What statements are about, by the names that actions.json has for it, each with the reason for its wildcard. The star
  # within a name stands for the label of any pipeline of this deployment.
  pipeline_resources = {
    # Lambda names mappings by a random id. Reading one is not narrowed by its function: Lambda knows that condition for
    # creating, updating and deleting only (docs.aws.amazon.com/lambda/latest/dg/lambda-api-permissions-ref.html).
    mappings = { arns = local.every_mapping, conditions = [] }
    # The same, where they are switched: those that invoke a function of this deployment's pipelines.
    switched_mappings = {
      arns = local.every_mapping
      conditions = [{
        test     = "ArnLike"
        variable = "lambda:FunctionArn"
        values   = ["arn:${local.partition}:lambda:${local.region}:${local.account}:function:${var.name}--*"]
      }]
    }
    # The function that touches items, in the pipeline's own role.
    upkeep_functions = {
      arns       = ["arn:${local.partition}:lambda:${local.region}:${local.account}:function:${module.pipeline_names.patterns.upkeep}"]
      conditions = []
    }
    # The buffer and its FIFO DLQ.
    buffers = {
      arns = [
        for queue in ["buffer", "dead_letter_queue"] :
        "arn:${local.partition}:sqs:${local.region}:${local.account}:${module.pipeline_names.patterns[queue]}.fifo"
      ]
      conditions = []
    }
    # Buckets that pipelines make, and those of the estate's own that some use. In these, nothing of what others keep there.
    failure_buckets = {
      arns       = local.failure_buckets
      conditions = [{ test = "StringLike", variable = "s3:prefix", values = ["${local.given_up_prefix}*"] }]
    }
    # Lambda puts what capture gave up under the mapping's id, and names the objects after the shard and the time
    # (docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html).
    given_up_changes = { arns = [for bucket in local.failure_buckets : "${bucket}/${local.given_up_prefix}*"], conditions = [] }
  }

  pipeline_statements = {
    # The worker starts capture and replay, and ends them for a restore that came to nothing.
    worker = [
      { sid = "LookAtMappings", actions = ["lambda:GetEventSourceMapping"], resources = ["mappings"] },
      { sid = "SwitchMappings", actions = ["lambda:UpdateEventSourceMapping"], resources = ["switched_mappings"] },
    ]

    # The operator function, what the operator actions need.
    operator = [
      for statement in local.operator_actions.statements.pipeline :
      { sid = statement.sid, actions = statement.actions, resources = statement.resources }
    ]
  }
}

data "aws_iam_policy_document" "pipelines" {
  for_each = local.pipeline_statements

  dynamic "statement" {
    for_each = each.value

    content {
      sid       = statement.value.sid
      actions   = statement.value.actions
      resources = flatten([for resource in statement.value.resources : local.pipeline_resources[resource].arns])

      dynamic "condition" {
        for_each = flatten([for resource in statement.value.resources : local.pipeline_resources[resource].conditions])

        content {
          test     = condition.value.test
          variable = condition.value.variable
          values   = condition.value.values
        }
      }
    }
  }

  # Buckets that are made are encrypted with the first of these keys. The roles have it for other services already.
  dynamic "statement" {
    for_each = each.key == "worker" || length(local.failure_bucket_keys) == 0 ? [] : [local.failure_bucket_keys]

    content {
      sid       = "DecryptWhatWasGivenUp"
      actions   = ["kms:Decrypt"]
      resources = statement.value

      condition {
        test     = "StringEquals"
        variable = "kms:ViaService"
        values   = ["s3.${local.region}.${data.aws_partition.current.dns_suffix}"]
      }
    }
  }
}

resource "aws_iam_role_policy" "pipelines" {
  for_each = data.aws_iam_policy_document.pipelines

  name   = "pipelines"
  role   = local.roles[each.key].name
  policy = each.value.json
}
