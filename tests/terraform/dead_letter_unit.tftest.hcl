# Queue and secondary DLQ are one unit of six resources that name each other. A policy written for one and attached to
# the other plans cleanly and shows only when a message is lost; so each is asserted to be on its own queue.

mock_provider "aws" {
  source = "./tests/terraform/mocks"
}

variables {
  name    = "demo"
  senders = { worker = "arn:aws:iam::123456789012:role/demo-restore-worker" }
}

override_resource {
  target = aws_sqs_queue.restores
  values = {
    arn = "arn:aws:sqs:us-east-1:123456789012:demo-restores"
    url = "https://sqs.example/demo-restores"
  }
}

override_resource {
  target = aws_sqs_queue.dead_letters
  values = {
    arn = "arn:aws:sqs:us-east-1:123456789012:demo-restores-dlq"
    url = "https://sqs.example/demo-restores-dlq"
  }
}

override_resource {
  target = aws_cloudwatch_event_rule.restores["calls"]
  values = { arn = "arn:aws:events:us-east-1:123456789012:rule/demo-restore-requested" }
}

override_resource {
  target = aws_cloudwatch_event_rule.restores["services"]
  values = { arn = "arn:aws:events:us-east-1:123456789012:rule/demo-restore-by-service" }
}

override_resource {
  target = aws_cloudwatch_event_rule.restores["jobs"]
  values = { arn = "arn:aws:events:us-east-1:123456789012:rule/demo-restore-job" }
}

override_data {
  target = data.aws_iam_policy_document.queue["restores"]
  values = { json = "{\"Id\":\"restores\"}" }
}

override_data {
  target = data.aws_iam_policy_document.queue["dead_letters"]
  values = { json = "{\"Id\":\"dead-letters\"}" }
}

run "each_policy_is_on_its_own_queue" {
  module {
    source = "./modules/restore-events"
  }

  assert {
    condition     = aws_sqs_queue_policy.restores.queue_url == "https://sqs.example/demo-restores" && jsondecode(aws_sqs_queue_policy.restores.policy).Id == "restores"
    error_message = "On ${aws_sqs_queue_policy.restores.queue_url}: ${aws_sqs_queue_policy.restores.policy}"
  }

  assert {
    condition     = aws_sqs_queue_policy.dead_letters.queue_url == "https://sqs.example/demo-restores-dlq" && jsondecode(aws_sqs_queue_policy.dead_letters.policy).Id == "dead-letters"
    error_message = "On ${aws_sqs_queue_policy.dead_letters.queue_url}: ${aws_sqs_queue_policy.dead_letters.policy}"
  }

  assert {
    condition = {
      for queue, document in data.aws_iam_policy_document.queue : queue => distinct(flatten(document.statement[*].resources))
      } == {
      restores     = tolist(["arn:aws:sqs:us-east-1:123456789012:demo-restores"])
      dead_letters = tolist(["arn:aws:sqs:us-east-1:123456789012:demo-restores-dlq"])
    }
    error_message = "The policies speak of: ${jsonencode({ for queue, document in data.aws_iam_policy_document.queue : queue => document.statement[*].resources })}"
  }
}

run "only_these_rules_send_and_nobody_without_tls" {
  module {
    source = "./modules/restore-events"
  }

  assert {
    condition = alltrue([
      for document in data.aws_iam_policy_document.queue :
      [for statement in document.statement : {
        sid       = statement.sid
        effect    = coalesce(statement.effect, "Allow")
        actions   = join(" ", statement.actions)
        who       = one(one(statement.principals).identifiers)
        test      = one(statement.condition).test
        variable  = one(statement.condition).variable
        condition = join(" ", sort(one(statement.condition).values))
        } if statement.sid != "NobodyElseSends"] == [
        { sid = "OnlyTheseRulesSend", effect = "Allow", actions = "sqs:SendMessage", who = "events.amazonaws.com", test = "ArnEquals", variable = "aws:SourceArn", condition = "arn:aws:events:us-east-1:123456789012:rule/demo-restore-by-service arn:aws:events:us-east-1:123456789012:rule/demo-restore-job arn:aws:events:us-east-1:123456789012:rule/demo-restore-requested" },
        { sid = "DenyPlainText", effect = "Deny", actions = "sqs:*", who = "*", test = "Bool", variable = "aws:SecureTransport", condition = "false" },
      ]
    ])
    error_message = "Statements: ${jsonencode([for document in data.aws_iam_policy_document.queue : document.statement])}"
  }
}

run "the_queue_drives_to_the_dlq_and_only_it_may" {
  module {
    source = "./modules/restore-events"
  }

  variables {
    queue = { max_receive_count = 42 }
  }

  assert {
    condition     = aws_sqs_queue_redrive_policy.restores.queue_url == "https://sqs.example/demo-restores"
    error_message = "The redrive policy is on ${aws_sqs_queue_redrive_policy.restores.queue_url}"
  }

  assert {
    condition     = jsondecode(aws_sqs_queue_redrive_policy.restores.redrive_policy) == { deadLetterTargetArn = "arn:aws:sqs:us-east-1:123456789012:demo-restores-dlq", maxReceiveCount = 42 }
    error_message = "Redrive policy: ${aws_sqs_queue_redrive_policy.restores.redrive_policy}"
  }

  assert {
    condition     = aws_sqs_queue_redrive_allow_policy.dead_letters.queue_url == "https://sqs.example/demo-restores-dlq"
    error_message = "The redrive-allow policy is on ${aws_sqs_queue_redrive_allow_policy.dead_letters.queue_url}"
  }

  assert {
    condition     = jsondecode(aws_sqs_queue_redrive_allow_policy.dead_letters.redrive_allow_policy) == { redrivePermission = "byQueue", sourceQueueArns = ["arn:aws:sqs:us-east-1:123456789012:demo-restores"] }
    error_message = "Redrive-allow policy: ${aws_sqs_queue_redrive_allow_policy.dead_letters.redrive_allow_policy}"
  }
}

run "events_that_cannot_be_delivered_land_in_the_same_dlq" {
  module {
    source = "./modules/restore-events"
  }

  assert {
    condition = {
      for kind, target in aws_cloudwatch_event_target.restore_queue : kind => "${target.rule} ${target.target_id} ${target.arn} ${one(target.dead_letter_config).arn}"
      } == {
      calls    = "demo-restore-requested restore-queue arn:aws:sqs:us-east-1:123456789012:demo-restores arn:aws:sqs:us-east-1:123456789012:demo-restores-dlq"
      services = "demo-restore-by-service restore-queue arn:aws:sqs:us-east-1:123456789012:demo-restores arn:aws:sqs:us-east-1:123456789012:demo-restores-dlq"
      jobs     = "demo-restore-job restore-queue arn:aws:sqs:us-east-1:123456789012:demo-restores arn:aws:sqs:us-east-1:123456789012:demo-restores-dlq"
    }
    error_message = "The targets are ${jsonencode(aws_cloudwatch_event_target.restore_queue)}"
  }
}

run "the_dlq_keeps_as_long_as_the_queue_and_its_alarm_watches_it" {
  module {
    source = "./modules/restore-events"
  }

  assert {
    condition     = aws_sqs_queue.restores.message_retention_seconds == 1209600 && aws_sqs_queue.dead_letters.message_retention_seconds == 1209600
    error_message = "Retention: ${aws_sqs_queue.restores.message_retention_seconds} and ${aws_sqs_queue.dead_letters.message_retention_seconds}"
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.dead_letters.dimensions == tomap({ QueueName = "demo-restores-dlq" }) && aws_cloudwatch_metric_alarm.dead_letters.threshold == 0 && aws_cloudwatch_metric_alarm.dead_letters.comparison_operator == "GreaterThanThreshold"
    error_message = "The alarm watches ${jsonencode(aws_cloudwatch_metric_alarm.dead_letters.dimensions)}"
  }
}
