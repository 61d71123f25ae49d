# The operator function touches no item of a source: what does, runs in the pipeline's own function and role. Of all that it may
# do, only the setting `replicas` takes permissions on items, namely on all tables that table_patterns.target covers, and a
# source may be among them. Where that setting is on for no restore, there is nothing to deny.
locals {
  # So many ARNs of tables with the longest names fit the 6144 characters of a policy.
  sources_of_a_policy = 15
  # A role takes ten policies, and five are in use.
  most_guarded_sources = 5 * local.sources_of_a_policy

  guarded_sources = local.switched_on["replicas"] ? chunklist(var.pipeline_sources, local.sources_of_a_policy) : []
}

data "aws_iam_policy_document" "source_denials" {
  count = length(local.guarded_sources)

  statement {
    sid    = "TouchNoItemOfASource"
    effect = "Deny"
    actions = [
      "dynamodb:BatchWriteItem",
      "dynamodb:DeleteItem",
      "dynamodb:GetItem",
      "dynamodb:PutItem",
      "dynamodb:Query",
      "dynamodb:Scan",
      "dynamodb:UpdateItem",
    ]
    # Its replicas too: the setting takes the permissions in all regions.
    resources = [
      for source in local.guarded_sources[count.index] :
      "arn:${local.partition}:dynamodb:*:${local.account}:table/${source}"
    ]
  }
}

resource "aws_iam_policy" "source_denials" {
  count = length(local.guarded_sources)

  name        = "${local.names.source_denials_policy}-${count.index + 1}"
  description = "The sources of change pipelines, of which the operator function of ${var.name} touches no item"
  policy      = data.aws_iam_policy_document.source_denials[count.index].json
  tags        = local.tags

  lifecycle {
    precondition {
      condition     = length(var.pipeline_sources) <= local.most_guarded_sources
      error_message = "There are ${length(var.pipeline_sources)} change pipelines, and replicas is on for some restore: IAM lets the operator function's role be kept from the items of ${local.most_guarded_sources} sources. Switch replicas off, or divide the pipelines between two deployments."
    }
  }
}

resource "aws_iam_role_policy_attachment" "source_denials" {
  count = length(local.guarded_sources)

  role       = module.operator.role.name
  policy_arn = aws_iam_policy.source_denials[count.index].arn
}
