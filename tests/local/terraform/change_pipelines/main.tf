# The root module with a change pipeline for each kind of stream, as test_change_pipelines.py deploys it.

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

# The tables and the bucket exist before the module does, as in any estate: the test has made them.
module "pipelines" {
  source = "../../../.."

  name           = "flow"
  event_sources  = ["rehearsal.dynamodb"]
  table_patterns = { source = ["flow-*"], target = ["flow-*"] }
  notifications  = { create_topic = false }

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

  tables = {
    for table in ["flow-images", "flow-keys", "flow-old"] : table => {
      failure_bucket = { create = false, arn = "arn:aws:s3:::flow-failures" }
      stream_reader  = { batching_window_seconds = 0 }
    }
  }
}

output "pipelines" {
  description = "The deployment."
  value       = module.pipelines
}
