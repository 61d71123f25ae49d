# What capture gave up is missing from the restored table, and the mapping says that all is well by then. Somebody has to
# hear of it: of the changes that lie in the failure bucket, and of those that do not even lie there.

mock_provider "aws" {
  source = "./tests/terraform/mocks"
}

variables {
  name  = "demo"
  table = "orders"
  binding = {
    restore_table = { name = "demo-restores", arn = "arn:aws:dynamodb:us-east-1:123456789012:table/demo-restores" }
    functions     = { operator = { name = "demo-operator" } }
    roles = {
      worker   = { name = "demo-restore-worker-us-east-1" }
      operator = { name = "demo-operator-us-east-1" }
    }
    layer_arn = "arn:aws:lambda:us-east-1:123456789012:layer:demo-dependencies:1"
    topic_arn = "arn:aws:sns:us-east-1:123456789012:demo-notifications"
  }
}

override_resource {
  target = aws_lambda_event_source_mapping.stream
  values = {
    arn  = "arn:aws:lambda:us-east-1:123456789012:event-source-mapping:11111111-1111-4111-8111-111111111111"
    uuid = "11111111-1111-4111-8111-111111111111"
  }
}

run "what_capture_gives_up_sets_off_an_alarm" {
  module {
    source = "./modules/change-pipeline"
  }

  assert {
    condition = {
      for key, alarm in aws_cloudwatch_metric_alarm.capture : key => {
        name      = alarm.alarm_name
        metric    = "${alarm.namespace} ${alarm.metric_name} ${alarm.statistic} of ${jsonencode(alarm.dimensions)}"
        above     = "${alarm.comparison_operator} ${alarm.threshold}"
        looks     = "${alarm.evaluation_periods} of ${alarm.period} s"
        otherwise = alarm.treat_missing_data
        tells     = join(" ", alarm.alarm_actions)
      }
      } == {
      given_up = {
        name      = "demo-orders-changes-given-up"
        metric    = "AWS/Lambda OnFailureDestinationDeliveredEventCount Sum of {\"EventSourceMappingUUID\":\"11111111-1111-4111-8111-111111111111\"}"
        above     = "GreaterThanThreshold 0"
        looks     = "1 of 60 s"
        otherwise = "notBreaching"
        tells     = "arn:aws:sns:us-east-1:123456789012:demo-notifications"
      }
      lost = {
        name      = "demo-orders-changes-lost"
        metric    = "AWS/Lambda DroppedEventCount Sum of {\"EventSourceMappingUUID\":\"11111111-1111-4111-8111-111111111111\"}"
        above     = "GreaterThanThreshold 0"
        looks     = "1 of 60 s"
        otherwise = "notBreaching"
        tells     = "arn:aws:sns:us-east-1:123456789012:demo-notifications"
      }
    }
    error_message = "Alarms: ${jsonencode(aws_cloudwatch_metric_alarm.capture)}"
  }

  # Without them there are no such metrics, and an alarm that is silent for ever.
  assert {
    condition     = one(aws_lambda_event_source_mapping.stream.metrics_config).metrics == toset(["EventCount"])
    error_message = "Metrics: ${jsonencode(aws_lambda_event_source_mapping.stream.metrics_config)}"
  }

  assert {
    condition     = { for key, alarm in output.alarms : key => alarm.name } == { given_up = "demo-orders-changes-given-up", lost = "demo-orders-changes-lost" }
    error_message = "Outputs: ${jsonencode(output.alarms)}"
  }
}

run "without_a_topic_the_alarms_show_it_all_the_same" {
  module {
    source = "./modules/change-pipeline"
  }

  variables {
    binding = {
      restore_table = { name = "demo-restores", arn = "arn:aws:dynamodb:us-east-1:123456789012:table/demo-restores" }
      functions     = { operator = { name = "demo-operator" } }
      roles = {
        worker   = { name = "demo-restore-worker-us-east-1" }
        operator = { name = "demo-operator-us-east-1" }
      }
      layer_arn = "arn:aws:lambda:us-east-1:123456789012:layer:demo-dependencies:1"
    }
  }

  assert {
    condition     = alltrue([for alarm in values(aws_cloudwatch_metric_alarm.capture) : length(alarm.alarm_actions) == 0])
    error_message = "Alarms: ${jsonencode(aws_cloudwatch_metric_alarm.capture)}"
  }
}
