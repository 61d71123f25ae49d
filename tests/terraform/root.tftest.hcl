# The root only wires; this is what it wires.

mock_provider "aws" {
  source = "./tests/terraform/mocks"
}

run "without_create_there_is_nothing" {
  variables {
    create = false
    tables = { orders = {} }
    trail  = { create = true }
  }

  assert {
    condition     = [length(module.restore_events), length(module.restore_worker), length(module.change_pipeline), length(module.reconciler), length(module.trail), length(module.owned_pipelines)] == [0, 0, 0, 0, 0, 0]
    error_message = "Modules made: ${jsonencode([length(module.restore_events), length(module.restore_worker), length(module.change_pipeline), length(module.reconciler), length(module.trail), length(module.owned_pipelines)])}"
  }

  assert {
    condition = alltrue([
      for value in [
        output.function, output.role, output.log_group, output.restore_queue, output.dead_letter_queue, output.rules,
        output.alarm, output.topic_arn, output.restore_table, output.binding, output.wait, output.rehearse_command,
        output.dry_run_command, output.release_command, output.redrive_command, output.operator, output.tables, output.operator_commands,
        output.settings, output.reconciler, output.trail,
      ] : value == null
    ])
    error_message = "An output is not null without anything made"
  }
}

run "the_defaults_agree_with_each_other" {
  assert {
    condition     = output.restore_queue.visibility_timeout_seconds == 720 && output.restore_queue.message_retention_seconds == 604800
    error_message = "Queue: ${jsonencode(output.restore_queue)}"
  }

  assert {
    condition     = output.wait.shortest.seconds == 89399 && output.wait.longest.seconds == 111749
    error_message = "Wait: ${jsonencode(output.wait)}"
  }

  assert {
    condition     = [output.function.name, output.restore_queue.name, output.dead_letter_queue.name, output.rules.calls.name, output.rules.jobs.name, output.restore_table.name, output.operator.function.name] == ["dynamodb-restore-restore-worker", "dynamodb-restore-restores", "dynamodb-restore-restores-dlq", "dynamodb-restore-restore-requested", "dynamodb-restore-restore-job", "dynamodb-restore-restores", "dynamodb-restore-operator"]
    error_message = "Names: ${jsonencode([output.function.name, output.restore_queue.name, output.dead_letter_queue.name, output.rules.calls.name, output.rules.jobs.name, output.restore_table.name, output.operator.function.name])}"
  }

  assert {
    condition     = output.dry_run_command == "aws lambda invoke --region us-east-1 --function-name dynamodb-restore-restore-worker --cli-binary-format raw-in-base64-out --payload '{\"dry_run\":true,\"source\":\"SOURCE_TABLE\",\"target\":\"TARGET_TABLE\"}' /dev/stdout"
    error_message = "Command: ${output.dry_run_command}"
  }
}

run "what_is_chosen_reaches_the_modules" {
  variables {
    name           = "chosen"
    polling        = { max_attempts = 3, base_delay_seconds = 10, backoff_rate = 2, jitter = 0 }
    lambda         = { timeout = 200 }
    queue          = { message_retention_seconds = 3600 }
    table_patterns = { source = ["a-*"], target = ["b-*"] }
    event_sources  = ["com.example.rehearsal"]
    notifications = {
      create_topic   = false
      topic_arn      = "arn:aws:sns:us-east-1:123456789012:oncall"
      event_bus_name = "reports"
    }
    encryption = { kms_key_arn = "arn:aws:kms:us-east-1:123456789012:key/demo" }
  }

  assert {
    condition     = output.restore_queue.visibility_timeout_seconds == 1200 && output.restore_queue.message_retention_seconds == 3600
    error_message = "Queue: ${jsonencode(output.restore_queue)}"
  }

  assert {
    condition     = output.wait.longest.seconds == 30
    error_message = "Wait: ${jsonencode(output.wait)}"
  }

  assert {
    condition     = jsondecode(output.rules.calls.event_pattern).source == ["aws.dynamodb", "com.example.rehearsal"] && jsondecode(output.rules.calls.event_pattern).detail.requestParameters.targetTableName == [{ wildcard = "b-*" }]
    error_message = "Event pattern: ${output.rules.calls.event_pattern}"
  }

  assert {
    condition = output.binding == {
      name          = "chosen"
      restore_table = { name = "chosen-restores", arn = "arn:aws:dynamodb:us-east-1:123456789012:table/mocked" }
      functions = {
        worker   = { name = "chosen-restore-worker", arn = "arn:aws:lambda:us-east-1:123456789012:function:mocked" }
        operator = { name = "chosen-operator", arn = "arn:aws:lambda:us-east-1:123456789012:function:mocked" }
      }
      roles = {
        worker   = { name = "chosen-restore-worker-us-east-1", arn = "arn:aws:iam::123456789012:role/mocked" }
        operator = { name = "chosen-operator-us-east-1", arn = "arn:aws:iam::123456789012:role/mocked" }
      }
      layer_arn      = "arn:aws:lambda:us-east-1:123456789012:layer:mocked:1"
      topic_arn      = "arn:aws:sns:us-east-1:123456789012:oncall"
      event_bus_name = "reports"
      kms_key_arn    = "arn:aws:kms:us-east-1:123456789012:key/demo"
      # 300 s of delay, 1200 s of visibility timeout, and a quarter of an hour.
      longest_silence_seconds = 2400
    }
    error_message = "Binding: ${jsonencode(output.binding)}"
  }
}

run "by_default_there_is_a_reconciler_and_no_trail" {
  assert {
    condition     = output.reconciler.function.name == "dynamodb-restore-reconciler" && output.reconciler.rule.schedule == "rate(15 minutes)" && output.reconciler.alarm.name == "dynamodb-restore-reconciler-failing"
    error_message = "Reconciler: ${jsonencode(output.reconciler)}"
  }

  assert {
    condition     = output.trail == null
    error_message = "Trail: ${jsonencode(output.trail)}"
  }

  assert {
    condition     = [for setting, enabled in output.settings : setting if !enabled] == ["replicas", "warm_throughput"]
    error_message = "Settings: ${jsonencode(output.settings)}"
  }
}

run "the_reconciler_may_be_left_out" {
  variables {
    reconciler = { enabled = false }
  }

  assert {
    condition     = output.reconciler == null && length(module.reconciler) == 0 && output.function.name == "dynamodb-restore-restore-worker"
    error_message = "Reconciler: ${jsonencode(output.reconciler)}"
  }
}

run "what_is_chosen_reaches_the_reconciler_and_the_trail" {
  variables {
    reconciler = { interval_minutes = 5 }
    trail      = { create = true, multi_region = true, expire_after_days = 30, force_destroy = true }
  }

  assert {
    condition     = output.reconciler.rule.schedule == "rate(5 minutes)"
    error_message = "Reconciler: ${jsonencode(output.reconciler)}"
  }

  assert {
    condition     = output.trail.trail.name == "dynamodb-restore-trail" && output.trail.bucket.name == "dynamodb-restore-trail-123456789012-us-east-1"
    error_message = "Trail: ${jsonencode(output.trail)}"
  }
}

run "what_is_followed_reaches_the_rules" {
  variables {
    follow = { backups = false, backup_jobs = false, terraform = false }
  }

  assert {
    condition     = keys(output.rules) == ["calls"] && jsondecode(output.rules.calls.event_pattern).detail.eventName == ["RestoreTableToPointInTime"]
    error_message = "Rules: ${jsonencode(output.rules)}"
  }
}

run "switches_reach_the_worker" {
  variables {
    settings = { warm_throughput = true, ttl = false }
  }

  assert {
    condition     = [for setting, enabled in output.settings : setting if !enabled] == ["replicas", "ttl"]
    error_message = "Settings: ${jsonencode(output.settings)}"
  }
}

run "a_table_needs_no_more_than_its_name" {
  variables {
    tables = { orders = {} }
  }

  assert {
    condition = [
      output.tables.orders.functions.capture.name, output.tables.orders.functions.replay.name,
      output.tables.orders.functions.upkeep.name, output.tables.orders.upkeep_rule.name,
      output.tables.orders.buffer.name, output.tables.orders.buffer_dead_letter_queue.name,
      ] == [
      "dynamodb-restore-orders-capture", "dynamodb-restore-orders-replay",
      "dynamodb-restore-orders-upkeep", "dynamodb-restore-orders-upkeep",
      "dynamodb-restore-orders-changes.fifo", "dynamodb-restore-orders-changes-dlq.fifo",
    ]
    error_message = "Pipeline: ${jsonencode(output.tables)}"
  }

  assert {
    condition     = sort(keys(output.operator_commands.orders)) == tolist(["abandon", "bring_in", "cutover", "repair", "status", "window"]) && strcontains(output.operator_commands.orders.status, " --function-name dynamodb-restore-operator ")
    error_message = "Commands: ${jsonencode(output.operator_commands)}"
  }
}

run "what_is_chosen_for_a_table_reaches_its_pipeline" {
  variables {
    tables = {
      orders = {
        stream                  = { arn = "arn:aws:dynamodb:us-east-1:123456789012:table/orders/stream/2026-02-28T03:00:00.000", view_type = "KEYS_ONLY" }
        buffer                  = { alarm_after_days = 3 }
        upkeep_interval_minutes = 15
        failure_bucket          = { create = false, arn = "arn:aws:s3:::estate-failures" }
      }
    }
  }

  assert {
    condition     = output.tables.orders.stream_arn == "arn:aws:dynamodb:us-east-1:123456789012:table/orders/stream/2026-02-28T03:00:00.000" && output.tables.orders.failure_bucket_arn == "arn:aws:s3:::estate-failures"
    error_message = "Pipeline: ${jsonencode(output.tables)}"
  }
}
