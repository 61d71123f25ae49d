data "aws_caller_identity" "current" {}

data "aws_region" "current" {}

locals {
  # What is not named, or null, is all tables.
  table_patterns = {
    for kind in ["source", "target"] : kind => coalesce(lookup(var.table_patterns, kind, null), ["*"])
  }

  region = data.aws_region.current.id
  names  = module.names.names
  tags   = merge(module.names.tags, var.tags)
}

module "names" {
  source = "../names"

  name = var.name

  wanted = {
    queue             = { suffix = "restores", limit = 80 }
    dead_letter_queue = { suffix = "restores-dlq", limit = 80 }
    calls_rule        = { suffix = "restore-requested", limit = 64 }
    services_rule     = { suffix = "restore-by-service", limit = 64 }
    jobs_rule         = { suffix = "restore-job", limit = 64 }
    given_up_alarm    = { suffix = "restore-given-up", limit = 255 }
    alarm             = { suffix = "restores-dlq-not-empty", limit = 255 }
  }
}
