# The output `wait` is what an operator relies on to know when a restore is given up. The numbers here were worked out
# apart from the module: the sum of min(base * rate^(n-1), cap) over the waits between attempts.

mock_provider "aws" {
  source = "./tests/terraform/mocks"
}

variables {
  name = "demo"
  restore_queue = {
    url                        = "https://sqs.us-east-1.amazonaws.com/123456789012/demo-restores"
    arn                        = "arn:aws:sqs:us-east-1:123456789012:demo-restores"
    visibility_timeout_seconds = 720
    message_retention_seconds  = 604800
  }
  dead_letter_queue = {
    url = "https://sqs.us-east-1.amazonaws.com/123456789012/demo-restores-dlq"
    arn = "arn:aws:sqs:us-east-1:123456789012:demo-restores-dlq"
  }
}

run "the_defaults_wait_for_more_than_a_day" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  assert {
    condition = output.wait == {
      shortest = { seconds = 88657, text = "1 d 37 min" }
      expected = { seconds = 93582, text = "1 d 1 h" }
      longest  = { seconds = 98508, text = "1 d 3 h" }
    }
    error_message = "Wait: ${jsonencode(output.wait)}"
  }
}

run "two_attempts_have_one_wait_between_them" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    polling = { max_attempts = 2, base_delay_seconds = 90, max_delay_seconds = 90, jitter = 0.5 }
  }

  assert {
    condition = output.wait == {
      shortest = { seconds = 45, text = "45 s" }
      expected = { seconds = 68, text = "1 min 8 s" }
      longest  = { seconds = 90, text = "1 min 30 s" }
    }
    error_message = "Wait: ${jsonencode(output.wait)}"
  }
}

run "growth_stops_at_the_cap" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    # 10 + 20 + 40 + 60 + 60
    polling = { max_attempts = 6, base_delay_seconds = 10, backoff_rate = 2, max_delay_seconds = 60, jitter = 0 }
  }

  assert {
    condition     = [output.wait.shortest.seconds, output.wait.expected.seconds, output.wait.longest.seconds] == [190, 190, 190]
    error_message = "Wait: ${jsonencode(output.wait)}"
  }
}

run "the_cap_may_fall_on_a_power_of_the_rate" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    # 1 + 10 + 100 + 1000 + 1000
    polling = { max_attempts = 6, base_delay_seconds = 1, backoff_rate = 10, max_delay_seconds = 1000, jitter = 0 }
  }

  assert {
    condition     = output.wait.longest.seconds == 2111
    error_message = "Wait: ${jsonencode(output.wait)}"
  }
}

run "without_growth_every_wait_is_the_base" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    polling = { max_attempts = 25, base_delay_seconds = 300, backoff_rate = 1, max_delay_seconds = 600, jitter = 0 }
  }

  assert {
    condition     = output.wait.longest == { seconds = 7200, text = "2 h" }
    error_message = "Wait: ${jsonencode(output.wait)}"
  }
}

run "full_jitter_may_not_wait_at_all" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    polling = { max_attempts = 990, base_delay_seconds = 1, backoff_rate = 10, max_delay_seconds = 600, jitter = 1 }
    restore_queue = {
      url                        = "https://sqs.us-east-1.amazonaws.com/123456789012/demo-restores"
      arn                        = "arn:aws:sqs:us-east-1:123456789012:demo-restores"
      visibility_timeout_seconds = 720
      message_retention_seconds  = 1209600
    }
  }

  # 1 + 10 + 100 + 986 * 600
  assert {
    condition = output.wait == {
      shortest = { seconds = 0, text = "0 s" }
      expected = { seconds = 295856, text = "3 d 10 h" }
      longest  = { seconds = 591711, text = "6 d 20 h" }
    }
    error_message = "Wait: ${jsonencode(output.wait)}"
  }
}
