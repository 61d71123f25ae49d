# The worker reads overrides as JSON, in order, and takes what is left out from the deployment. What reaches it here is all
# that it knows of a restore that is to be treated otherwise.

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

run "without_overrides_the_list_is_empty" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  assert {
    condition     = length(jsondecode(local.configuration).overrides) == 0 && jsondecode(local.configuration).control_tag == "dynamodb-restore:settings"
    error_message = "The worker is told: ${local.configuration}"
  }
}

run "what_is_left_out_of_an_override_is_left_to_the_deployment" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    overrides = [
      { source = "orders" },
      { target = "orders-copy-*", settings = { tags = false, ttl = null }, replay = false, notify = false, polling = { max_attempts = 5, jitter = 0 } },
      { source = "scratch-*", follow = false },
    ]
  }

  assert {
    condition = jsondecode(local.configuration).overrides == [
      { source = "orders" },
      { target = "orders-copy-*", settings = { tags = false }, replay = false, notify = false, polling = { max_attempts = 5, jitter = 0 } },
      { source = "scratch-*", follow = false },
    ]
    error_message = "The worker is told: ${local.configuration}"
  }
}

run "what_an_override_holds_reaches_the_worker" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    settings = { replicas = true }
    overrides = [
      { target = "orders-before-*", hold = ["ttl", "stream", "stream_triggers", "replicas", "resource_policy", "ttl"] },
      { source = "orders" },
    ]
  }

  assert {
    condition = jsondecode(local.configuration).overrides == [
      { target = "orders-before-*", hold = ["replicas", "resource_policy", "stream", "stream_triggers", "ttl"] },
      { source = "orders" },
    ]
    error_message = "The worker is told: ${local.configuration}"
  }

  # Held is not off: an operator's release needs the permission.
  assert {
    condition     = local.switched_on.ttl
    error_message = "Switched on: ${jsonencode(local.switched_on)}"
  }
}

run "a_setting_that_is_held_may_be_on_for_that_override_alone" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    settings  = { ttl = false }
    overrides = [{ source = "a", settings = { ttl = true }, hold = ["ttl"] }]
  }

  assert {
    condition     = jsondecode(local.configuration).overrides[0].hold == ["ttl"]
    error_message = "The worker is told: ${local.configuration}"
  }
}

# The stream's own policy attaches to it, as triggers do.
run "the_resource_policy_is_held_with_the_stream" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    overrides = [{ source = "a", hold = ["stream", "stream_triggers"] }]
  }

  expect_failures = [var.overrides]
}

run "what_builds_on_a_held_setting_may_be_off" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    overrides = [{ source = "a", settings = { stream_triggers = false, resource_policy = false }, hold = ["stream"] }]
  }

  assert {
    condition     = jsondecode(local.configuration).overrides[0].hold == ["stream"]
    error_message = "The worker is told: ${local.configuration}"
  }
}

run "a_drill_gets_what_describes_the_table_whatever_overrides_there_are" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    overrides      = [{ source = "orders", settings = { auto_scaling = false } }, { target = "drill-*" }]
    drill_patterns = ["drill-*", "*-drill", "drill-*"]
  }

  assert {
    condition = jsondecode(local.configuration).drills == jsondecode(jsonencode({
      targets = ["drill-*", "*-drill"]
      keeps   = sort([for setting in jsondecode(file("modules/restore-worker/settings.json")) : setting.name if setting.kept_by_drills])
    }))
    error_message = "The worker is told: ${local.configuration}"
  }

  assert {
    condition     = length(setsubtract(local.drills.keeps, local.known_settings)) == 0
    error_message = "Drills keep settings that there are not: ${join(", ", setsubtract(local.drills.keeps, local.known_settings))}"
  }

  assert {
    condition     = length(jsondecode(local.configuration).overrides) == 2
    error_message = "The worker is told: ${local.configuration}"
  }
}

run "without_patterns_restore_tests_are_drills_still" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  assert {
    condition     = jsondecode(local.configuration).drills.targets == [] && contains(jsondecode(local.configuration).drills.keeps, "stream")
    error_message = "The worker is told: ${local.configuration}"
  }
}

# --- the neighbours of what fails below

run "a_narrower_override_before_a_wider_one_passes" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    overrides = [
      { source = "prod-orders", target = "*-drill" },
      { source = "prod-*", target = "*-drill" },
      { source = "prod.orders", target = "*" },
      { source = "prod-orders" },
      { source = "*", target = "copy-*" },
    ]
    drill_patterns = ["drill-*"]
  }

  assert {
    condition     = length(jsondecode(local.configuration).overrides) == 5
    error_message = "The worker is told: ${local.configuration}"
  }
}

run "numbers_at_their_limits_pass" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    polling = { max_attempts = 20, base_delay_seconds = 10, max_delay_seconds = 60 }
    overrides = [
      { source = "a", polling = { max_attempts = 20, base_delay_seconds = 60, backoff_rate = 10, jitter = 1 } },
      { source = "b", polling = { max_attempts = 2, base_delay_seconds = 1, max_delay_seconds = 42000, backoff_rate = 1, jitter = 0 } },
    ]
  }

  assert {
    condition     = local.override_waits == [1140, 1]
    error_message = "Longest waits: ${jsonencode(local.override_waits)}"
  }
}

run "names_that_the_table_patterns_match_pass" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    table_patterns = { source = ["prod.*"], target = ["drill-*", "restored"] }
    overrides      = [{ source = "prod.orders", target = "restored" }, { source = "*", target = "drill-*-x" }]
  }

  assert {
    condition     = length(jsondecode(local.configuration).overrides) == 2
    error_message = "The worker is told: ${local.configuration}"
  }
}

# --- settings, overrides and drills that cannot work

run "a_setting_that_does_not_exist_fails" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    settings = { ttl = false, tag = false }
  }

  expect_failures = [var.settings]
}

run "a_setting_that_does_not_exist_fails_in_an_override_too" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    overrides = [{ source = "a" }, { source = "b", settings = { streams = true } }]
  }

  expect_failures = [var.overrides]
}

run "a_setting_that_does_not_exist_cannot_be_held" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    overrides = [{ source = "a" }, { source = "b", hold = ["time_to_live"] }]
  }

  expect_failures = [var.overrides]
}

run "a_setting_that_the_same_override_switches_off_cannot_be_held" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    overrides = [{ source = "a", settings = { ttl = false }, hold = ["ttl"] }]
  }

  expect_failures = [var.overrides]
}

run "a_setting_that_is_on_nowhere_cannot_be_held" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    overrides = [{ source = "a", hold = ["warm_throughput"] }]
  }

  expect_failures = [var.overrides]
}

run "triggers_build_on_a_stream_that_is_held" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    overrides = [{ source = "a", hold = ["stream"] }]
  }

  expect_failures = [var.overrides]
}

run "replicas_build_on_auto_scaling_that_is_held" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    overrides = [{ source = "a", settings = { replicas = true }, hold = ["auto_scaling"] }]
  }

  expect_failures = [var.overrides]
}

run "leaving_alone_and_holding_contradict_each_other" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    overrides = [{ source = "a", follow = false, hold = ["ttl"] }]
  }

  expect_failures = [var.overrides]
}

run "an_override_with_an_illegal_pattern_fails" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    overrides = [{ source = "prod orders" }]
  }

  expect_failures = [var.overrides]
}

run "an_override_with_an_illegal_target_fails" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    overrides = [{ target = "table/orders" }]
  }

  expect_failures = [var.overrides]
}

run "an_override_with_an_empty_pattern_fails" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    overrides = [{ target = "" }]
  }

  expect_failures = [var.overrides]
}

run "an_override_with_consecutive_wildcards_fails" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    overrides = [{ source = "prod-**" }]
  }

  expect_failures = [var.overrides]
}

run "leaving_alone_and_choosing_settings_contradict_each_other" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    overrides = [{ source = "a", follow = false, settings = { tags = true } }]
  }

  expect_failures = [var.overrides]
}

run "leaving_alone_and_polling_contradict_each_other" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    overrides = [{ source = "a", follow = false, polling = { max_attempts = 5 } }]
  }

  expect_failures = [var.overrides]
}

run "leaving_alone_and_replaying_contradict_each_other" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    overrides = [{ source = "a", follow = false, replay = true }]
  }

  expect_failures = [var.overrides]
}

run "leaving_alone_and_notifying_contradict_each_other" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    overrides = [{ source = "a", follow = false, notify = false }]
  }

  expect_failures = [var.overrides]
}

run "an_override_twice_fails" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    overrides = [{ source = "a", target = "b" }, { source = "a", target = "b", notify = false }]
  }

  expect_failures = [var.overrides]
}

run "an_override_after_one_for_all_fails" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    overrides = [{ notify = false }, { source = "a" }]
  }

  expect_failures = [var.overrides]
}

run "an_override_after_a_wider_one_fails" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    overrides = [{ source = "prod-*" }, { source = "other" }, { source = "prod-orders*", target = "drill-*" }]
  }

  expect_failures = [var.overrides]
}

run "an_override_of_a_source_that_is_not_followed_fails" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    table_patterns = { source = ["prod-*"] }
    overrides      = [{ source = "orders" }]
  }

  expect_failures = [var.overrides]
}

run "an_override_of_a_target_that_is_not_followed_fails" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    table_patterns = { target = ["prod-*"] }
    overrides      = [{ target = "orders" }]
  }

  expect_failures = [var.overrides]
}

run "an_override_with_more_attempts_than_the_queue_allows_fails" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    polling   = { max_attempts = 20 }
    overrides = [{ source = "a", polling = { max_attempts = 21 } }]
  }

  expect_failures = [var.overrides]
}

run "an_override_with_one_attempt_fails" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    overrides = [{ source = "a", polling = { max_attempts = 1 } }]
  }

  expect_failures = [var.overrides]
}

run "an_override_with_half_an_attempt_fails" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    overrides = [{ source = "a", polling = { max_attempts = 2.5 } }]
  }

  expect_failures = [var.overrides]
}

run "an_override_with_a_first_delay_above_the_deployments_longest_fails" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    overrides = [{ source = "a", polling = { base_delay_seconds = 301 } }]
  }

  expect_failures = [var.overrides]
}

run "an_override_with_a_longest_delay_below_the_deployments_first_fails" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    overrides = [{ source = "a", polling = { max_delay_seconds = 9 } }]
  }

  expect_failures = [var.overrides]
}

run "an_override_with_no_delay_fails" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    overrides = [{ source = "a", polling = { base_delay_seconds = 0 } }]
  }

  expect_failures = [var.overrides]
}

run "an_override_with_a_delay_beyond_what_sqs_hides_fails" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    overrides = [{ source = "a", polling = { max_attempts = 2, max_delay_seconds = 42001 } }]
  }

  expect_failures = [var.overrides]
}

run "an_override_with_a_shrinking_backoff_fails" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    overrides = [{ source = "a", polling = { backoff_rate = 0.5 } }]
  }

  expect_failures = [var.overrides]
}

run "an_override_with_an_exploding_backoff_fails" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    overrides = [{ source = "a", polling = { backoff_rate = 11 } }]
  }

  expect_failures = [var.overrides]
}

run "an_override_with_negative_jitter_fails" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    overrides = [{ source = "a", polling = { jitter = -0.1 } }]
  }

  expect_failures = [var.overrides]
}

run "an_override_with_jitter_above_one_fails" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    overrides = [{ source = "a", polling = { jitter = 1.1 } }]
  }

  expect_failures = [var.overrides]
}

run "an_override_that_waits_for_longer_than_the_queue_keeps_fails" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    overrides = [{ source = "a", polling = { max_delay_seconds = 36000 } }]
  }

  expect_failures = [var.restore_queue]
}

run "a_drill_with_an_illegal_pattern_fails" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    drill_patterns = ["drill-*", "a?b"]
  }

  expect_failures = [var.drill_patterns]
}

run "a_drill_with_an_empty_pattern_fails" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    drill_patterns = [""]
  }

  expect_failures = [var.drill_patterns]
}

run "a_drill_with_consecutive_wildcards_fails" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    drill_patterns = ["drill-**"]
  }

  expect_failures = [var.drill_patterns]
}

run "a_control_tag_that_is_empty_fails" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    control_tag = ""
  }

  expect_failures = [var.control_tag]
}

run "a_control_tag_of_awss_own_fails" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    control_tag = "AWS:restore"
  }

  expect_failures = [var.control_tag]
}

run "a_control_tag_with_an_illegal_character_fails" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    control_tag = "restore?"
  }

  expect_failures = [var.control_tag]
}

run "a_control_tag_that_is_too_long_fails" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    control_tag = join("", [for number in range(129) : "k"])
  }

  expect_failures = [var.control_tag]
}

run "a_control_tag_as_long_as_aws_takes_passes" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    control_tag = join("", [for number in range(128) : "k"])
  }

  assert {
    condition     = length(jsondecode(local.configuration).control_tag) == 128
    error_message = "The worker is told: ${local.configuration}"
  }
}

run "what_protects_is_not_the_control_tags_to_decide" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  assert {
    condition     = toset(jsondecode(local.configuration).control_tag_excludes) == toset(["point_in_time_recovery", "deletion_protection", "encryption", "resource_policy"])
    error_message = "The worker is told: ${local.configuration}"
  }
}

run "the_control_tag_can_be_left_to_decide_about_all" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    control_tag_excludes = []
  }

  assert {
    condition     = length(jsondecode(local.configuration).control_tag_excludes) == 0
    error_message = "The worker is told: ${local.configuration}"
  }
}

run "a_setting_that_does_not_exist_cannot_be_excluded" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    control_tag_excludes = ["backups"]
  }

  expect_failures = [var.control_tag_excludes]
}
