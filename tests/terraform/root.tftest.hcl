# The root only wires; this is what it wires.

mock_provider "aws" {
  source = "./tests/terraform/mocks"
}

run "without_create_there_is_nothing" {
  variables {
    create           = false
    change_pipelines = { orders = {} }
    trail            = { enabled = true }
  }

  assert {
    condition     = [length(module.restore_events), length(module.restore_worker), length(module.change_pipelines), length(module.reconciler), length(module.trail), length(module.notifications), length(module.owned_pipelines)] == [0, 0, 0, 0, 0, 0, 0]
    error_message = "Modules made: ${jsonencode([length(module.restore_events), length(module.restore_worker), length(module.change_pipelines), length(module.reconciler), length(module.trail), length(module.notifications), length(module.owned_pipelines)])}"
  }

  assert {
    condition = alltrue([
      for value in [
        output.restore_worker, output.operator, output.restore_events, output.restore_table, output.change_pipelines,
        output.reconciler, output.notifications, output.trail, output.binding, output.commands,
      ] : value == null
    ])
    error_message = "An output is not null without anything made"
  }
}

run "the_defaults_agree_with_each_other" {
  assert {
    condition     = output.restore_events.queue.visibility_timeout_seconds == 720 && output.restore_events.queue.message_retention_seconds == 1209600
    error_message = "Queue: ${jsonencode(output.restore_events.queue)}"
  }

  assert {
    condition     = output.restore_worker.wait.shortest.seconds == 88657 && output.restore_worker.wait.longest.seconds == 98508
    error_message = "Wait: ${jsonencode(output.restore_worker.wait)}"
  }

  assert {
    condition     = [output.restore_worker.function.name, output.restore_events.queue.name, output.restore_events.dead_letter_queue.name, output.restore_events.rules.calls.name, output.restore_events.rules.jobs.name, output.restore_table.name, output.operator.function.name] == ["dynamodb-restore-restore-worker", "dynamodb-restore-restores", "dynamodb-restore-restores-dlq", "dynamodb-restore-restore-requested", "dynamodb-restore-restore-job", "dynamodb-restore-restores", "dynamodb-restore-operator"]
    error_message = "Names: ${jsonencode([output.restore_worker.function.name, output.restore_events.queue.name, output.restore_events.dead_letter_queue.name, output.restore_events.rules.calls.name, output.restore_events.rules.jobs.name, output.restore_table.name, output.operator.function.name])}"
  }

  assert {
    condition     = output.commands.dry_run == "aws lambda invoke --region us-east-1 --function-name dynamodb-restore-restore-worker --cli-binary-format raw-in-base64-out --payload '{\"dry_run\":true,\"source\":\"SOURCE_TABLE\",\"target\":\"TARGET_TABLE\"}' /dev/stdout"
    error_message = "Command: ${output.commands.dry_run}"
  }

  assert {
    condition     = output.reconciler.function.name == "dynamodb-restore-reconciler" && output.reconciler.rule.schedule == "rate(15 minutes)" && output.reconciler.alarm.name == "dynamodb-restore-reconciler-failing"
    error_message = "Reconciler: ${jsonencode(output.reconciler)}"
  }

  assert {
    condition     = output.trail == null
    error_message = "Trail: ${jsonencode(output.trail)}"
  }

  assert {
    condition     = [for setting, enabled in output.restore_worker.settings : setting if !enabled] == ["billing_mode", "encryption", "replicas", "warm_throughput"]
    error_message = "Settings: ${jsonencode(output.restore_worker.settings)}"
  }

  assert {
    condition     = join(" ", sort(keys(output.restore_worker.alarms))) == "failing slow" && join(" ", sort(keys(output.restore_events.alarms))) == "dead_letters given_up" && output.notifications.topic_arn == "arn:aws:sns:us-east-1:123456789012:mocked"
    error_message = "Alarms: ${jsonencode([output.restore_worker.alarms, output.restore_events.alarms])}, topic ${jsonencode(output.notifications)}"
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
    condition     = output.restore_events.queue.visibility_timeout_seconds == 1200 && output.restore_events.queue.message_retention_seconds == 3600
    error_message = "Queue: ${jsonencode(output.restore_events.queue)}"
  }

  assert {
    condition     = output.restore_worker.wait.longest.seconds == 30
    error_message = "Wait: ${jsonencode(output.restore_worker.wait)}"
  }

  assert {
    condition     = jsondecode(output.restore_events.rules.calls.event_pattern).source == ["aws.dynamodb", "com.example.rehearsal"] && jsondecode(output.restore_events.rules.calls.event_pattern).detail.requestParameters.targetTableName == [{ wildcard = "b-*" }]
    error_message = "Event pattern: ${output.restore_events.rules.calls.event_pattern}"
  }

  assert {
    condition = jsonencode({ for name, value in output.binding : name => value if name != "configuration" }) == jsonencode({
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
      longest_silence_seconds = 2200
      table_patterns          = { source = ["a-*"], target = ["b-*"] }
    })
    error_message = "Binding: ${jsonencode(output.binding)}"
  }
}

run "the_reconciler_may_be_left_out" {
  variables {
    reconciler = { enabled = false }
  }

  assert {
    condition     = output.reconciler == null && length(module.reconciler) == 0 && output.restore_worker.function.name == "dynamodb-restore-restore-worker"
    error_message = "Reconciler: ${jsonencode(output.reconciler)}"
  }
}

run "what_is_chosen_reaches_the_reconciler_the_trail_the_rules_and_the_settings" {
  variables {
    reconciler = { interval_minutes = 5 }
    trail      = { enabled = true, multi_region = true, expire_after_days = 30, force_destroy = true }
    follow     = { backups = false, backup_jobs = false, terraform = false }
    settings   = { warm_throughput = true, ttl = false }
  }

  assert {
    condition     = output.reconciler.rule.schedule == "rate(5 minutes)"
    error_message = "Reconciler: ${jsonencode(output.reconciler)}"
  }

  assert {
    condition     = output.trail.trail.name == "dynamodb-restore-trail" && can(regex("^dynamodb-restore-[0-9a-f]{8}-trail-123456789012$", output.trail.bucket.name))
    error_message = "Trail: ${jsonencode(output.trail)}"
  }

  assert {
    condition     = keys(output.restore_events.rules) == ["calls"] && jsondecode(output.restore_events.rules.calls.event_pattern).detail.eventName == ["RestoreTableToPointInTime"]
    error_message = "Rules: ${jsonencode(output.restore_events.rules)}"
  }

  assert {
    condition     = [for setting, enabled in output.restore_worker.settings : setting if !enabled] == ["billing_mode", "encryption", "replicas", "ttl"]
    error_message = "Settings: ${jsonencode(output.restore_worker.settings)}"
  }
}

run "a_table_needs_no_more_than_its_name_and_what_is_chosen_reaches_its_pipeline" {
  variables {
    change_pipelines = {
      orders = {}
      chosen = {
        name                    = "customers-4f2a"
        stream                  = { arn = "arn:aws:dynamodb:us-east-1:123456789012:table/customers-4f2a/stream/2026-02-28T03:00:00.000", view_type = "KEYS_ONLY" }
        buffer                  = { alarm_after_days = 3 }
        upkeep_interval_minutes = 15
        failure_bucket          = { create = false, arn = "arn:aws:s3:::estate-failures" }
      }
    }
  }

  assert {
    condition = [
      output.change_pipelines.orders.functions.capture.name, output.change_pipelines.orders.functions.replay.name,
      output.change_pipelines.orders.functions.upkeep.name, output.change_pipelines.orders.upkeep_rule.name,
      output.change_pipelines.orders.buffer.name, output.change_pipelines.orders.buffer_dead_letter_queue.name,
      ] == [
      "dynamodb-restore--orders-capture", "dynamodb-restore--orders-replay",
      "dynamodb-restore--orders-upkeep", "dynamodb-restore--orders-upkeep",
      "dynamodb-restore--orders-changes.fifo", "dynamodb-restore--orders-changes-dlq.fifo",
    ]
    error_message = "Pipeline: ${jsonencode(output.change_pipelines)}"
  }

  assert {
    condition     = sort(keys(output.commands.pipelines.orders)) == tolist(["abandon", "bring_in", "cutover", "repair", "status", "window"]) && strcontains(output.commands.pipelines.orders.status, " --function-name dynamodb-restore-operator ")
    error_message = "Commands: ${jsonencode(output.commands.pipelines)}"
  }

  assert {
    condition     = output.change_pipelines.chosen.table == "customers-4f2a" && output.change_pipelines.chosen.stream_arn == "arn:aws:dynamodb:us-east-1:123456789012:table/customers-4f2a/stream/2026-02-28T03:00:00.000" && output.change_pipelines.chosen.failure_bucket_arn == "arn:aws:s3:::estate-failures"
    error_message = "Pipeline: ${jsonencode(output.change_pipelines.chosen)}"
  }

  assert {
    condition     = output.change_pipelines.chosen.functions.capture.name == "dynamodb-restore--chosen-capture" && strcontains(output.commands.pipelines.chosen.cutover, "\"table\":\"customers-4f2a\"")
    error_message = "Names ${jsonencode(output.change_pipelines.chosen.functions)}, commands ${jsonencode(output.commands.pipelines.chosen)}"
  }
}

# How large the policies are does not depend on how many there are (settings_policy_size.tftest.hcl, permissions.tftest.hcl):
# the names by which they go are shown here.
run "a_hundred_pipelines_have_names_of_their_own_that_the_policies_cover" {
  command = plan

  variables {
    change_pipelines = { for number in range(100) : "orders-of-a-tenant-with-a-long-name-that-differs-at-its-end-only-${number}" => {
      stream = { arn = "arn:aws:dynamodb:us-east-1:123456789012:table/orders-of-a-tenant-with-a-long-name-that-differs-at-its-end-only-${number}/stream/2026-01-31T03:00:00.000", view_type = "NEW_AND_OLD_IMAGES" }
    } }
  }

  assert {
    condition = length(distinct(flatten([
      for pipeline in values(output.change_pipelines) : [
        pipeline.functions.capture.name, pipeline.functions.replay.name, pipeline.functions.upkeep.name, pipeline.roles.capture.name,
        pipeline.roles.replay.name, pipeline.roles.upkeep.name, pipeline.buffer.name, pipeline.buffer_dead_letter_queue.name,
      ]
    ]))) == 100 * 8
    error_message = "Names: ${jsonencode({ for label, pipeline in output.change_pipelines : label => [pipeline.functions, pipeline.roles, pipeline.buffer.name] })}"
  }

  assert {
    condition = alltrue([
      for pipeline in values(output.change_pipelines) :
      can(regex("^dynamodb-restore--.*-upkeep$", pipeline.functions.upkeep.name)) && can(regex("^dynamodb-restore--.*-changes.fifo$", pipeline.buffer.name)) &&
      can(regex("^dynamodb-restore--.*-changes-dlq.fifo$", pipeline.buffer_dead_letter_queue.name)) && startswith(pipeline.functions.capture.name, "dynamodb-restore--") && startswith(pipeline.functions.replay.name, "dynamodb-restore--")
    ])
    error_message = "Names: ${jsonencode({ for label, pipeline in output.change_pipelines : label => [pipeline.functions, pipeline.buffer.name] })}"
  }
}
