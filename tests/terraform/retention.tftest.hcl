# A message that the queue forgets while its restore is followed is lost without a word. How long one can be there was
# measured by tests/hazards/test_messages_that_expire_while_they_are_followed.py, which reads the numbers of each run here,
# on a queue and a clock of its own.

mock_provider "aws" {
  source = "./tests/terraform/mocks"
}

variables {
  name = "demo"
  dead_letter_queue = {
    url = "https://sqs.us-east-1.amazonaws.com/123456789012/demo-restores-dlq"
    arn = "arn:aws:sqs:us-east-1:123456789012:demo-restores-dlq"
  }
}

run "the_message_outlives_the_waits_of_the_defaults_and_their_runs" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    polling = { max_attempts = 990, base_delay_seconds = 10, backoff_rate = 1.5, max_delay_seconds = 100, jitter = 0 }
    lambda  = { timeout = 120 }
    restore_queue = {
      url                        = "https://sqs.example/demo-restores"
      arn                        = "arn:aws:sqs:us-east-1:123456789012:demo-restores"
      visibility_timeout_seconds = 720
      message_retention_seconds  = 217309
    }
  }

  assert {
    condition     = local.queue_seconds.deployment == 217308
    error_message = "On the queue: ${local.queue_seconds.deployment} s"
  }
}

run "a_message_that_the_runs_outlive_fails" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    polling = { max_attempts = 990, base_delay_seconds = 10, backoff_rate = 1.5, max_delay_seconds = 100, jitter = 0 }
    lambda  = { timeout = 120 }
    restore_queue = {
      url                        = "https://sqs.example/demo-restores"
      arn                        = "arn:aws:sqs:us-east-1:123456789012:demo-restores"
      visibility_timeout_seconds = 720
      message_retention_seconds  = 217308
    }
  }

  expect_failures = [var.restore_queue]
}

run "short_waits_between_long_runs_are_mostly_runs" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    polling = { max_attempts = 100, base_delay_seconds = 1, backoff_rate = 2, max_delay_seconds = 4, jitter = 0 }
    lambda  = { timeout = 600 }
    restore_queue = {
      url                        = "https://sqs.example/demo-restores"
      arn                        = "arn:aws:sqs:us-east-1:123456789012:demo-restores"
      visibility_timeout_seconds = 3600
      message_retention_seconds  = 60392
    }
  }

  assert {
    condition     = local.queue_seconds.deployment == 60391
    error_message = "On the queue: ${local.queue_seconds.deployment} s"
  }
}

run "an_override_that_the_runs_outlive_fails" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    polling   = { max_attempts = 100, base_delay_seconds = 1, backoff_rate = 2, max_delay_seconds = 4, jitter = 0 }
    lambda    = { timeout = 600 }
    overrides = [{ source = "slow-*", polling = { max_delay_seconds = 64 } }]
    restore_queue = {
      url                        = "https://sqs.example/demo-restores"
      arn                        = "arn:aws:sqs:us-east-1:123456789012:demo-restores"
      visibility_timeout_seconds = 3600
      message_retention_seconds  = 60392
    }
  }

  expect_failures = [var.restore_queue]
}
