# What the functions are told about each restore. Lambda's environment has 4 KB, which an estate with many tables needs more
# than; so this is an item of the restore table, which has 400 KB.
locals {
  configuration = jsonencode({
    table_patterns       = local.table_patterns
    settings             = local.settings
    drills               = local.drills
    overrides            = local.overrides
    control_tag          = var.control_tag
    control_tag_excludes = local.control_tag_excludes
    attachable           = local.attachable
    follow_terraform     = var.follow.terraform
    source_regions       = local.source_regions
    findings             = local.findings
    polling              = var.polling
  })

  # The functions' environment names it. Whatever changes has another key, so each function reads what goes with its code.
  configuration_digest = sha256(local.configuration)

  # DynamoDB takes 400 KB, with the names of attributes (docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html).
  configuration_limit = 400000
}

resource "aws_dynamodb_table_item" "configuration" {
  table_name = aws_dynamodb_table.restores.name
  hash_key   = aws_dynamodb_table.restores.hash_key
  range_key  = aws_dynamodb_table.restores.range_key

  item = jsonencode({
    pk       = { S = "configuration" }
    sk       = { S = local.configuration_digest }
    document = { S = local.configuration }
  })

  lifecycle {
    # Checked here, because DynamoDB would refuse it in the middle of an apply.
    precondition {
      condition     = length(local.configuration) <= local.configuration_limit
      error_message = "The configuration would have ${length(local.configuration)} characters and an item of the restore table holds ${local.configuration_limit}: use fewer overrides, drill_patterns and table_patterns (${length(jsonencode(local.overrides))}, ${length(jsonencode(local.drills))} and ${length(jsonencode(local.table_patterns))} characters), say the same with wider patterns, or give the tables their choice by their tag ${jsonencode(var.control_tag)}."
    }
  }
}
