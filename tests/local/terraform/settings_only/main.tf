# The root module as the tests under tests/local deploy it: once with every setting, and once for each setting with
# that one switched off. Short waits, so that a test of a restore takes seconds; all numbers are far below the defaults.

terraform {
  required_version = ">= 1.9"

  required_providers {
    aws = {
      source = "hashicorp/aws"
    }
  }
}

# Region, credentials and endpoint come from the environment, as in the examples.
provider "aws" {}

locals {
  polling = {
    max_attempts       = 5
    base_delay_seconds = 1
    backoff_rate       = 1.5
    max_delay_seconds  = 2
    jitter             = 0.2
  }

  # The local AWS announces restores under this source: AWS lets nobody but itself use aws.dynamodb.
  event_sources = ["rehearsal.dynamodb"]

  settings = toset([
    "tags",
    "ttl",
    "stream",
    "stream_triggers",
    "kinesis_destination",
    "point_in_time_recovery",
    "auto_scaling",
  ])
}

# The zips of dist/ in S3, where deployment.py has put them, as a user would who keeps artifacts in a bucket. This is
# much faster too: the provider uploads local files one function at a time.
locals {
  artifacts = {
    for name, file in { code = "dynamodb_restore.zip", layer = "dependencies_layer.zip" } :
    name => {
      bucket      = "local-artifacts"
      key         = file
      source_hash = filebase64sha256("${path.module}/../../../../dist/${file}")
    }
  }
}

module "all" {
  source = "../../../.."

  name           = "local"
  event_sources  = local.event_sources
  polling        = local.polling
  table_patterns = { target = ["*-restored-*"] }
}

module "without" {
  source   = "../../../.."
  for_each = local.settings

  name           = "local-without-${replace(each.key, "_", "-")}"
  event_sources  = local.event_sources
  polling        = local.polling
  settings       = { for setting in local.settings : setting => setting != each.key }
  table_patterns = { target = ["*-without-${replace(each.key, "_", "-")}"] }
  artifacts      = local.artifacts

  # Nobody is notified here, which has to work too.
  notifications = { create_topic = false }
}

output "all" {
  description = "The deployment with every setting."
  value       = module.all
}

output "max_attempts" {
  description = "After how many attempts a restore is given up."
  value       = local.polling.max_attempts
}

output "without" {
  description = "By setting, the deployment that leaves it alone."
  value       = module.without
}
