data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  # What is not named, or null, is all tables.
  table_patterns = {
    for kind in ["source", "target"] : kind => coalesce(lookup(var.table_patterns, kind, null), ["*"])
  }

  # Whose ARNs each list takes.
  attachable_services = { functions = "lambda", kinesis_streams = "kinesis" }

  # What is not named, or null, is everything.
  attachable = {
    for kind in ["functions", "kinesis_streams"] : kind => coalesce(lookup(var.attachable, kind, null), ["*"])
  }

  partition = data.aws_partition.current.partition
  account   = data.aws_caller_identity.current.account_id
  region    = data.aws_region.current.id

  # IAM is global in an account: its names carry the region, so that one account can have the module in several.
  wanted_names = {
    function        = { text = "${var.name}-restore-worker", limit = 64 }
    role            = { text = "${var.name}-restore-worker-${local.region}", limit = 64 }
    operator        = { text = "${var.name}-operator", limit = 64 }
    operator_role   = { text = "${var.name}-operator-${local.region}", limit = 64 }
    tables_policy   = { text = "${var.name}-settings-tables-${local.region}", limit = 128 }
    services_policy = { text = "${var.name}-settings-services-${local.region}", limit = 128 }
    keys_policy     = { text = "${var.name}-settings-keys-${local.region}", limit = 128 }
    findings_policy = { text = "${var.name}-settings-findings-${local.region}", limit = 128 }
    table           = { text = "${var.name}-restores", limit = 255 }
    failing_alarm   = { text = "${var.name}-restore-worker-failing", limit = 255 }
    slow_alarm      = { text = "${var.name}-restore-worker-slow", limit = 255 }
    layer           = { text = "${var.name}-dependencies", limit = 140 }
  }

  # The hash is of the whole name, so that two long names that differ only in the part that is cut stay apart.
  names = {
    for key, name in local.wanted_names :
    key => length(name.text) <= name.limit ? name.text : "${substr(name.text, 0, name.limit - 9)}-${substr(sha256(name.text), 0, 8)}"
  }

  tags = merge({ "dynamodb-restore" = var.name }, var.tags)

  # A bus may be given by its ARN, which ends in its name.
  event_bus_name = replace(var.notifications.event_bus_name, "/^arn:.*:event-bus\\//", "")
  event_bus_arn  = "arn:${local.partition}:events:${local.region}:${local.account}:event-bus/${local.event_bus_name}"
}
