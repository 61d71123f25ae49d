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

  names = module.names.names
  tags  = merge(module.names.tags, var.tags)

  # A bus may be given by its ARN, which ends in its name.
  event_bus_name = replace(var.notifications.event_bus_name, "/^arn:.*:event-bus\\//", "")
  event_bus_arn  = "arn:${local.partition}:events:${local.region}:${local.account}:event-bus/${local.event_bus_name}"
}

module "names" {
  source = "../names"

  name = var.name

  # IAM is global in an account: its names carry the region, so that one account can have the module in several.
  wanted = {
    function              = { suffix = "restore-worker", limit = 64 }
    role                  = { suffix = "restore-worker-${local.region}", limit = 64 }
    operator              = { suffix = "operator", limit = 64 }
    operator_role         = { suffix = "operator-${local.region}", limit = 64 }
    tables_policy         = { suffix = "settings-tables-${local.region}", limit = 128 }
    services_policy       = { suffix = "settings-services-${local.region}", limit = 128 }
    keys_policy           = { suffix = "settings-keys-${local.region}", limit = 128 }
    findings_policy       = { suffix = "settings-findings-${local.region}", limit = 128 }
    source_denials_policy = { suffix = "source-denials-${local.region}", limit = 126 }
    denials_policy        = { suffix = "restore-table-denials-${local.region}", limit = 128 }
    table                 = { suffix = "restores", limit = 255 }
    failing_alarm         = { suffix = "restore-worker-failing", limit = 255 }
    slow_alarm            = { suffix = "restore-worker-slow", limit = 255 }
    layer                 = { suffix = "dependencies", limit = 140 }
  }
}
