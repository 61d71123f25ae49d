data "aws_caller_identity" "current" {}

data "aws_region" "current" {}

locals {
  # What is not named, or null, is all tables.
  table_patterns = {
    for kind in ["source", "target"] : kind => coalesce(lookup(var.table_patterns, kind, null), ["*"])
  }

  region = data.aws_region.current.id

  wanted_names = {
    queue             = { text = "${var.name}-restores", limit = 80 }
    dead_letter_queue = { text = "${var.name}-restores-dlq", limit = 80 }
    calls_rule        = { text = "${var.name}-restore-requested", limit = 64 }
    services_rule     = { text = "${var.name}-restore-by-service", limit = 64 }
    jobs_rule         = { text = "${var.name}-restore-job", limit = 64 }
    topic             = { text = "${var.name}-notifications", limit = 256 }
    given_up_alarm    = { text = "${var.name}-restore-given-up", limit = 255 }
    alarm             = { text = "${var.name}-restores-dlq-not-empty", limit = 255 }
  }

  # The hash is of the whole name, so that two long names that differ only in the part that is cut stay apart.
  names = {
    for key, name in local.wanted_names :
    key => length(name.text) <= name.limit ? name.text : "${substr(name.text, 0, name.limit - 9)}-${substr(sha256(name.text), 0, 8)}"
  }

  tags = merge({ "dynamodb-restore" = var.name }, var.tags)
}
