data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  partition = data.aws_partition.current.partition
  account   = data.aws_caller_identity.current.account_id
  region    = data.aws_region.current.id

  names = module.names.names
  tags  = merge(module.names.tags, var.tags)

  event_bus_arn = "arn:${local.partition}:events:${local.region}:${local.account}:event-bus/${var.notifications.event_bus_name}"
}

module "names" {
  source = "../names"

  name = var.name

  # IAM is global in an account: its names carry the region, so that one account can have the module in several.
  wanted = {
    function        = { suffix = "restore-worker", limit = 64 }
    role            = { suffix = "restore-worker-${local.region}", limit = 64 }
    operator        = { suffix = "operator", limit = 64 }
    operator_role   = { suffix = "operator-${local.region}", limit = 64 }
    tables_policy   = { suffix = "settings-tables-${local.region}", limit = 128 }
    services_policy = { suffix = "settings-services-${local.region}", limit = 128 }
    keys_policy     = { suffix = "settings-keys-${local.region}", limit = 128 }
    findings_policy = { suffix = "settings-findings-${local.region}", limit = 128 }
    table           = { suffix = "restores", limit = 255 }
    failing_alarm   = { suffix = "restore-worker-failing", limit = 255 }
    slow_alarm      = { suffix = "restore-worker-slow", limit = 255 }
    layer           = { suffix = "dependencies", limit = 140 }
  }
}
