# The root module as the tests under tests/local deploy it, all in one apply: with every setting, and overrides by the
# names of restored tables; with none; and with change pipelines. Short waits, so that a test of a restore takes
# seconds; all numbers are far below the defaults.

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

variable "left_out" {
  description = "Tables whose change pipelines a plan is to take out."
  type        = set(string)
  default     = []
}

locals {
  polling = {
    max_attempts       = 20
    base_delay_seconds = 1
    backoff_rate       = 1.5
    max_delay_seconds  = 2
    jitter             = 0.2
  }

  # The local AWS announces restores under this source: AWS lets nobody but itself use aws.dynamodb.
  event_sources = ["rehearsal.dynamodb"]
}

# The zips of dist/ in S3, where deployment.py has put them, as a user would who keeps artifacts in a bucket.
# This is much faster too: the provider uploads local files one function at a time.
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
  source_regions = ["eu-west-1"]
  findings       = { identity_policies = true, ingestion_pipelines = true }
  drill_patterns = ["*-drill-*"]
  redrivers      = ["arn:aws:iam::123456789012:role/local-on-call"]
  restore_table  = { deletion_protection = false }

  table_patterns = {
    target = ["*-restored-*", "*-without-*", "*-first-seven-*", "*-drill-*", "*-opted-out-*", "awsbackup-restore-test-*"]
  }

  # What costs on its own is off by default.
  settings = {
    warm_throughput = true
    replicas        = true
  }

  overrides = concat(
    [
      { target = "*-opted-out-*", follow = false },
      # Where calls are throttled by the thousand, a few attempts within seconds are no measure.
      { target = "*-crowd-*", polling = { max_delay_seconds = 15 } },
      {
        target = "*-first-seven-*"
        settings = {
          cloudwatch_alarms    = false
          contributor_insights = false
          deletion_protection  = false
          on_demand_throughput = false
          replicas             = false
          resource_policy      = false
          table_class          = false
          warm_throughput      = false
        }
      },
    ],
    [
      for setting in keys(module.none.restore_worker.settings) :
      { target = "*-without-${replace(setting, "_", "-")}", settings = { (setting) = false } }
    ],
  )

  # As many as AWS restores at once, so that test_many_restores.py waits for throttled calls and not for its turn.
  lambda = { maximum_concurrency = 50 }

  # Nobody waits for its schedule in a test.
  reconciler = { interval_minutes = 60 }
}

module "none" {
  source = "../../../.."

  name           = "local-none"
  event_sources  = local.event_sources
  polling        = local.polling
  table_patterns = { target = ["*-bare"] }
  artifacts      = local.artifacts
  restore_table  = { deletion_protection = false }

  settings = {
    for setting in jsondecode(file("${path.module}/../../../../modules/restore-worker/settings.json"))[*].name :
    setting => false
  }
  findings    = { for finding in jsondecode(file("${path.module}/../../../../modules/restore-worker/findings.json"))[*].name : finding => false }
  control_tag = null
  follow      = { terraform = false }
  reconciler  = { enabled = false }

  # Nobody is notified here, which has to work too.
  notifications = { create_topic = false }
}

# The tables and the bucket exist before the module does, as in any estate: pipelines.py has made them.
module "pipelines" {
  source = "../../../.."

  name           = "flow"
  event_sources  = local.event_sources
  table_patterns = { source = ["flow-*"], target = ["flow-*"] }
  notifications  = { create_topic = false }
  reconciler     = { enabled = false }
  artifacts      = local.artifacts
  restore_table  = { deletion_protection = false }

  polling = {
    max_attempts       = 20
    base_delay_seconds = 1
    backoff_rate       = 1
    max_delay_seconds  = 1
    jitter             = 0
  }

  # Triggers and tables of other tests do not concern this deployment.
  settings = {
    kinesis_destination = false
    auto_scaling        = false
  }

  change_pipelines = {
    # Twelve, so that it is applied once that policies do not grow with pipelines.
    for table in setsubtract(concat(["flow-images", "flow-keys", "flow-old"], [for number in range(9) : "flow-more-${number}"]), var.left_out) : table => {
      failure_bucket = { create = false, arn = "arn:aws:s3:::flow-failures" }
      stream_reader  = { batching_window_seconds = 0 }
      # Nobody waits for its schedule in a test.
      upkeep_interval_minutes = 60
    }
  }
}

output "all" {
  description = "The deployment with every setting."
  value       = module.all
}

output "none" {
  description = "The deployment with no setting."
  value       = module.none
}

output "pipelines" {
  description = "The deployment with change pipelines."
  value       = module.pipelines
}

output "max_attempts" {
  description = "After how many attempts a restore is given up."
  value       = local.polling.max_attempts
}
