# What nobody would notice by looking at the table: changes that were given up, set aside or wait for too long, a stream
# that nobody reads, functions that fail. Each has an alarm, on a metric that exists, that says what to do.

mock_provider "aws" {
  source = "./tests/terraform/mocks"
}

variables {
  table = "orders"
  binding = {
    name          = "demo"
    restore_table = { name = "demo-restores", arn = "arn:aws:dynamodb:us-east-1:123456789012:table/demo-restores" }
    functions     = { operator = { name = "demo-operator" } }
    layer_arn     = "arn:aws:lambda:us-east-1:123456789012:layer:demo-dependencies:1"
    topic_arn     = "arn:aws:sns:us-east-1:123456789012:demo-notifications"
  }
}

override_resource {
  target = aws_lambda_event_source_mapping.stream
  values = {
    arn  = "arn:aws:lambda:us-east-1:123456789012:event-source-mapping:11111111-1111-4111-8111-111111111111"
    uuid = "11111111-1111-4111-8111-111111111111"
  }
}

override_resource {
  target = module.upkeep.aws_lambda_function.this
  values = { arn = "arn:aws:lambda:us-east-1:123456789012:function:demo--orders-upkeep" }
}

run "each_has_a_metric_that_exists_and_looks_often_enough" {
  module {
    source = "./modules/change-pipeline"
  }

  assert {
    condition = {
      for key, alarm in aws_cloudwatch_metric_alarm.pipeline : key => {
        name   = alarm.alarm_name
        metric = "${alarm.namespace} ${alarm.metric_name} ${alarm.statistic} > ${alarm.threshold} of ${jsonencode(alarm.dimensions)}"
        looks  = "${alarm.datapoints_to_alarm} of ${alarm.evaluation_periods} times ${alarm.period} s"
        ends   = length(alarm.ok_actions) == 1
      }
      } == {
      given_up = {
        name   = "demo--orders-changes-given-up"
        metric = "AWS/Lambda OnFailureDestinationDeliveredEventCount Sum > 0 of {\"EventSourceMappingUUID\":\"11111111-1111-4111-8111-111111111111\"}"
        looks  = "1 of 1 times 60 s"
        ends   = false
      }
      lost = {
        name   = "demo--orders-changes-lost"
        metric = "AWS/Lambda DroppedEventCount Sum > 0 of {\"EventSourceMappingUUID\":\"11111111-1111-4111-8111-111111111111\"}"
        looks  = "1 of 1 times 60 s"
        ends   = false
      }
      set_aside = {
        name   = "demo--orders-changes-set-aside"
        metric = "AWS/SQS ApproximateNumberOfMessagesVisible Maximum > 0 of {\"QueueName\":\"demo--orders-changes-dlq.fifo\"}"
        looks  = "1 of 1 times 60 s"
        ends   = true
      }
      waiting_long = {
        name   = "demo--orders-changes-waiting-long"
        metric = "AWS/SQS ApproximateAgeOfOldestMessage Maximum > 864000 of {\"QueueName\":\"demo--orders-changes.fifo\"}"
        looks  = "1 of 1 times 300 s"
        ends   = true
      }
      replay_refused = {
        name   = "demo--orders-replay-refused"
        metric = "DynamoDBRestore ReplayRefused Sum > 0 of {\"service\":\"demo\",\"table\":\"orders\"}"
        looks  = "1 of 5 times 60 s"
        ends   = true
      }
      misdirected = {
        name   = "demo--orders-capture-misdirected"
        metric = "DynamoDBRestore CaptureMisdirected Sum > 0 of {\"service\":\"demo\",\"table\":\"orders\"}"
        looks  = "1 of 2 times 300 s"
        ends   = true
      }
      after_cutover = {
        name   = "demo--orders-changes-after-cutover"
        metric = "DynamoDBRestore ChangesAfterCutover Sum > 0 of {\"service\":\"demo\",\"table\":\"orders\"}"
        looks  = "1 of 2 times 300 s"
        ends   = false
      }
      upkeep_failing = {
        name   = "demo--orders-upkeep-failing"
        metric = "AWS/Lambda Errors Sum > 0 of {\"FunctionName\":\"demo--orders-upkeep\"}"
        looks  = "3 of 3 times 300 s"
        ends   = true
      }
    }
    error_message = "Alarms: ${jsonencode(aws_cloudwatch_metric_alarm.pipeline)}"
  }

  assert {
    condition = alltrue([
      for alarm in values(aws_cloudwatch_metric_alarm.pipeline) :
      alarm.comparison_operator == "GreaterThanThreshold" && alarm.treat_missing_data == "notBreaching" && alarm.alarm_actions == toset(["arn:aws:sns:us-east-1:123456789012:demo-notifications"])
    ])
    error_message = "Alarms: ${jsonencode(aws_cloudwatch_metric_alarm.pipeline)}"
  }

  # The functions publish under the namespace and service that they are told, and the table that they are of.
  assert {
    condition     = alltrue([for function in [local.capture_function, local.replay_function, local.upkeep_function] : [function.environment.POWERTOOLS_METRICS_NAMESPACE, function.environment.POWERTOOLS_SERVICE_NAME, function.environment.SOURCE_TABLE_NAME] == ["DynamoDBRestore", "demo", "orders"]])
    error_message = "Environments: ${jsonencode([local.capture_function.environment, local.replay_function.environment, local.upkeep_function.environment])}"
  }

  # Without them there are no such metrics of the mapping, and alarms that are silent for ever.
  assert {
    condition     = one(aws_lambda_event_source_mapping.stream.metrics_config).metrics == toset(["EventCount"])
    error_message = "Metrics: ${jsonencode(aws_lambda_event_source_mapping.stream.metrics_config)}"
  }

  assert {
    condition     = { for key, alarm in output.alarms : key => alarm.name } == { for key, alarm in aws_cloudwatch_metric_alarm.pipeline : key => alarm.alarm_name }
    error_message = "Outputs: ${jsonencode(output.alarms)}"
  }
}

# In this mode the buffer always holds messages as old as SQS keeps them: the alarm would never end, and say nothing.
run "captured_always_the_age_of_the_buffer_says_nothing" {
  module {
    source = "./modules/change-pipeline"
  }

  variables {
    capture = "always"
  }

  assert {
    condition     = join(" ", sort(keys(aws_cloudwatch_metric_alarm.pipeline))) == "after_cutover given_up lost misdirected replay_refused set_aside upkeep_failing"
    error_message = "Alarms: ${jsonencode(keys(aws_cloudwatch_metric_alarm.pipeline))}"
  }
}

run "they_follow_what_is_chosen" {
  module {
    source = "./modules/change-pipeline"
  }

  variables {
    upkeep_interval_minutes = 20
    buffer                  = { alarm_after_days = 2 }
  }

  assert {
    condition = [
      aws_cloudwatch_metric_alarm.pipeline["misdirected"].period, aws_cloudwatch_metric_alarm.pipeline["after_cutover"].period,
      aws_cloudwatch_metric_alarm.pipeline["upkeep_failing"].period, aws_cloudwatch_metric_alarm.pipeline["waiting_long"].threshold,
    ] == [1200, 1200, 1200, 172800]
    error_message = "Alarms: ${jsonencode(aws_cloudwatch_metric_alarm.pipeline)}"
  }
}

run "without_a_topic_the_alarms_show_it_all_the_same" {
  module {
    source = "./modules/change-pipeline"
  }

  variables {
    binding = {
      name          = "demo"
      restore_table = { name = "demo-restores", arn = "arn:aws:dynamodb:us-east-1:123456789012:table/demo-restores" }
      functions     = { operator = { name = "demo-operator" } }
      layer_arn     = "arn:aws:lambda:us-east-1:123456789012:layer:demo-dependencies:1"
    }
  }

  assert {
    condition     = alltrue([for alarm in values(aws_cloudwatch_metric_alarm.pipeline) : length(alarm.alarm_actions) == 0 && length(alarm.ok_actions) == 0])
    error_message = "Alarms: ${jsonencode(aws_cloudwatch_metric_alarm.pipeline)}"
  }
}
