# The buffer keeps order only as a FIFO queue, keeps up only in high-throughput mode, and keeps what it has only for as long
# as SQS lets it. Queue and DLQ name each other; each policy is asserted to be on its own queue.

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
  }
}

override_resource {
  target = aws_sqs_queue.buffer
  values = {
    arn = "arn:aws:sqs:us-east-1:123456789012:demo--orders-changes.fifo"
    url = "https://sqs.example/demo--orders-changes.fifo"
  }
}

override_resource {
  target = aws_sqs_queue.dead_letters
  values = {
    arn = "arn:aws:sqs:us-east-1:123456789012:demo--orders-changes-dlq.fifo"
    url = "https://sqs.example/demo--orders-changes-dlq.fifo"
  }
}

override_data {
  target = data.aws_iam_policy_document.queue["buffer"]
  values = { json = "{\"Id\":\"buffer\"}" }
}

override_data {
  target = data.aws_iam_policy_document.queue["dead_letters"]
  values = { json = "{\"Id\":\"dead-letters\"}" }
}

run "both_queues_are_high_throughput_fifo_and_keep_14_days" {
  module {
    source = "./modules/change-pipeline"
  }

  assert {
    condition = alltrue([
      for queue in [aws_sqs_queue.buffer, aws_sqs_queue.dead_letters] :
      queue.fifo_queue && queue.deduplication_scope == "messageGroup" && queue.fifo_throughput_limit == "perMessageGroupId" && queue.message_retention_seconds == 1209600
    ])
    error_message = "Queues: ${jsonencode([for queue in [aws_sqs_queue.buffer, aws_sqs_queue.dead_letters] : [queue.fifo_queue, queue.deduplication_scope, queue.fifo_throughput_limit, queue.message_retention_seconds]])}"
  }

  assert {
    condition     = aws_sqs_queue.buffer.name == "demo--orders-changes.fifo" && aws_sqs_queue.dead_letters.name == "demo--orders-changes-dlq.fifo"
    error_message = "Names: ${aws_sqs_queue.buffer.name} and ${aws_sqs_queue.dead_letters.name}"
  }
}

run "messages_stay_hidden_for_six_timeouts" {
  module {
    source = "./modules/change-pipeline"
  }

  variables {
    lambda = { timeout = 100 }
  }

  assert {
    condition     = aws_sqs_queue.buffer.visibility_timeout_seconds == 600
    error_message = "Visibility timeout: ${aws_sqs_queue.buffer.visibility_timeout_seconds}"
  }
}

run "messages_may_stay_hidden_for_longer" {
  module {
    source = "./modules/change-pipeline"
  }

  variables {
    buffer = { visibility_timeout_seconds = 900 }
  }

  assert {
    condition     = aws_sqs_queue.buffer.visibility_timeout_seconds == 900
    error_message = "Visibility timeout: ${aws_sqs_queue.buffer.visibility_timeout_seconds}"
  }
}

run "the_buffer_drives_to_its_dlq_as_late_as_sqs_can_and_only_it_may" {
  module {
    source = "./modules/change-pipeline"
  }

  assert {
    condition     = aws_sqs_queue_redrive_policy.buffer.queue_url == "https://sqs.example/demo--orders-changes.fifo" && jsondecode(aws_sqs_queue_redrive_policy.buffer.redrive_policy) == { deadLetterTargetArn = "arn:aws:sqs:us-east-1:123456789012:demo--orders-changes-dlq.fifo", maxReceiveCount = 1000 }
    error_message = "On ${aws_sqs_queue_redrive_policy.buffer.queue_url}: ${aws_sqs_queue_redrive_policy.buffer.redrive_policy}"
  }

  assert {
    condition     = aws_sqs_queue_redrive_allow_policy.dead_letters.queue_url == "https://sqs.example/demo--orders-changes-dlq.fifo" && jsondecode(aws_sqs_queue_redrive_allow_policy.dead_letters.redrive_allow_policy) == { redrivePermission = "byQueue", sourceQueueArns = ["arn:aws:sqs:us-east-1:123456789012:demo--orders-changes.fifo"] }
    error_message = "On ${aws_sqs_queue_redrive_allow_policy.dead_letters.queue_url}: ${aws_sqs_queue_redrive_allow_policy.dead_letters.redrive_allow_policy}"
  }
}

run "nobody_uses_either_without_tls" {
  module {
    source = "./modules/change-pipeline"
  }

  assert {
    condition     = aws_sqs_queue_policy.buffer.queue_url == "https://sqs.example/demo--orders-changes.fifo" && jsondecode(aws_sqs_queue_policy.buffer.policy).Id == "buffer"
    error_message = "On ${aws_sqs_queue_policy.buffer.queue_url}: ${aws_sqs_queue_policy.buffer.policy}"
  }

  assert {
    condition     = aws_sqs_queue_policy.dead_letters.queue_url == "https://sqs.example/demo--orders-changes-dlq.fifo" && jsondecode(aws_sqs_queue_policy.dead_letters.policy).Id == "dead-letters"
    error_message = "On ${aws_sqs_queue_policy.dead_letters.queue_url}: ${aws_sqs_queue_policy.dead_letters.policy}"
  }

  assert {
    condition = {
      for queue, document in data.aws_iam_policy_document.queue :
      queue => [for statement in document.statement : "${statement.effect} ${join(" ", statement.actions)} ${one(statement.resources)} ${one(one(statement.principals).identifiers)} ${one(statement.condition).variable}=${one(one(statement.condition).values)}"]
      } == {
      buffer       = ["Deny sqs:* arn:aws:sqs:us-east-1:123456789012:demo--orders-changes.fifo * aws:SecureTransport=false"]
      dead_letters = ["Deny sqs:* arn:aws:sqs:us-east-1:123456789012:demo--orders-changes-dlq.fifo * aws:SecureTransport=false"]
    }
    error_message = "Statements: ${jsonencode({ for queue, document in data.aws_iam_policy_document.queue : queue => document.statement })}"
  }
}

run "a_bundle_that_is_set_aside_has_room_for_its_reason" {
  module {
    source = "./modules/change-pipeline"
  }

  assert {
    condition     = aws_sqs_queue.buffer.max_message_size == 262144 && aws_sqs_queue.dead_letters.max_message_size == 262144 && local.capture_function.environment.BYTE_LIMIT == "258048"
    error_message = "Queues take ${aws_sqs_queue.buffer.max_message_size} and ${aws_sqs_queue.dead_letters.max_message_size} bytes, bundles have ${local.capture_function.environment.BYTE_LIMIT}"
  }
}

run "bundles_far_below_sqss_limit_are_as_large_as_they_are_asked_to_be" {
  module {
    source = "./modules/change-pipeline"
  }

  variables {
    byte_limit = 1024
  }

  assert {
    condition     = aws_sqs_queue.buffer.max_message_size == 262144 && local.capture_function.environment.BYTE_LIMIT == "1024"
    error_message = "Queues take ${aws_sqs_queue.buffer.max_message_size} bytes, bundles have ${local.capture_function.environment.BYTE_LIMIT}"
  }
}
