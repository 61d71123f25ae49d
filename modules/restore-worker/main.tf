data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
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
    denials_policy  = { text = "${var.name}-restore-table-denials-${local.region}", limit = 128 }
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

  event_bus_arn = "arn:${local.partition}:events:${local.region}:${local.account}:event-bus/${var.notifications.event_bus_name}"
}
