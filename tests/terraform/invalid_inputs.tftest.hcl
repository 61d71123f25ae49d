# Input that cannot work must fail at plan time, at the variable that is wrong, and not as a deployment that loses
# restores. Each run has one bad value of each of several variables, and all of them must be refused: a check that is
# broken leaves its variable out of the failures, which fails the run. No variable of a run looks at another one of it, for
# Terraform does not check what depends on a value that was refused. The neighbours of each limit that must pass are in
# the last runs.

mock_provider "aws" {
  source = "./tests/terraform/mocks"
}

variables {
  senders = { worker = "arn:aws:iam::123456789012:role/demo-restore-worker" }
  dead_letter_queue = {
    url = "https://sqs.example/demo-restores-dlq"
    arn = "arn:aws:sqs:us-east-1:123456789012:demo-restores-dlq"
  }
  restore_queue = {
    url                        = "https://sqs.example/demo-restores"
    arn                        = "arn:aws:sqs:us-east-1:123456789012:demo-restores"
    visibility_timeout_seconds = 726
    message_retention_seconds  = 604800
  }
}

# --- the root: what goes to several modules

run "the_root_refuses_1" {
  command = plan

  variables {
    # an empty name
    name = ""
    # a misspelt key, which would mean all tables
    table_patterns = { sources = ["orders"] }
    # a misspelt key, which would admit everything
    attachable = { function = ["dev-*"] }
    # the ARN of an alias
    encryption = { kms_key_arn = "arn:aws:kms:us-east-1:123456789012:alias/demo" }
    # the ARN of a rule as the bus
    notifications = { event_bus_name = "arn:aws:events:us-east-1:123456789012:rule/platform" }
    # the ARN of a bucket
    artifacts = { code = { bucket = "arn:aws:s3:::builds", key = "code.zip", source_hash = "VpTQii5T/8rgwxA+Wtb2B2q9lg6x+KVldwQLwQKPcCs=" } }
  }

  expect_failures = [
    var.artifacts,
    var.attachable,
    var.encryption,
    var.name,
    var.notifications,
    var.table_patterns,
  ]
}

run "the_root_refuses_2" {
  command = plan

  variables {
    # a slash in the name
    name = "team/restore"
    # a space in a pattern
    table_patterns = { source = ["prod orders"] }
    # the id of a key
    encryption = { kms_key_arn = "1234abcd-12ab-34cd-56ef-1234567890ab" }
    # a space in the name of the bus
    notifications = { event_bus_name = "our bus" }
    # no key
    artifacts = { code = { bucket = "builds", key = "", source_hash = "VpTQii5T/8rgwxA+Wtb2B2q9lg6x+KVldwQLwQKPcCs=" } }
  }

  expect_failures = [
    var.artifacts,
    var.encryption,
    var.name,
    var.notifications,
    var.table_patterns,
  ]
}

run "the_root_refuses_3" {
  command = plan

  variables {
    # a hyphen at its beginning
    name = "-restore"
    # a slash in a pattern
    table_patterns = { target = ["table/orders"] }
    # a FIFO topic
    notifications = { create_topic = false, topic_arn = "arn:aws:sns:us-east-1:123456789012:oncall.fifo" }
    # a hash that is no SHA-256
    artifacts = { code = { bucket = "builds", key = "code.zip", source_hash = "Y29kZQ==" } }
  }

  expect_failures = [
    var.artifacts,
    var.name,
    var.notifications,
    var.table_patterns,
  ]
}

run "the_root_refuses_4" {
  command = plan

  variables {
    # two hyphens beside each other: they end the name in the names of pipelines
    name = "team--restore"
    # an empty pattern
    table_patterns = { target = [""] }
    # the name of a topic
    notifications = { create_topic = false, topic_arn = "oncall" }
  }

  expect_failures = [
    var.name,
    var.notifications,
    var.table_patterns,
  ]
}

run "the_root_refuses_5" {
  command = plan

  variables {
    # 25 characters
    name = "nnnnnnnnnnnnnnnnnnnnnnnnn"
    # consecutive wildcards
    table_patterns = { source = ["prod-**"] }
    # the ARN of an alias as the topic's key
    notifications = { topic_kms_key_arn = "arn:aws:kms:us-east-1:123456789012:alias/oncall" }
  }

  expect_failures = [
    var.name,
    var.notifications,
    var.table_patterns,
  ]
}

run "the_root_refuses_6" {
  command = plan

  variables {
    # an empty list of patterns
    table_patterns = { target = [] }
  }

  expect_failures = [
    var.table_patterns,
  ]
}

# --- the events

run "the_events_refuse_1" {
  command = plan

  module {
    source = "./modules/restore-events"
  }

  variables {
    # a dot in the name
    name = "a.b"
    # a misspelt key
    table_patterns = { targets = ["orders"] }
    # a source of AWS
    event_sources = ["aws.dynamodb"]
    # a visibility beyond twelve hours
    queue = { visibility_timeout_seconds = 43201 }
    # the name of a topic
    topic_arn = "oncall"
    # the ARN of an alias
    kms_key_arn = "arn:aws:kms:us-east-1:123456789012:alias/demo"
    # the name of a role
    senders = { worker = "demo-restore-worker" }
  }

  expect_failures = [
    var.event_sources,
    var.kms_key_arn,
    var.name,
    var.queue,
    var.senders,
    var.table_patterns,
    var.topic_arn,
  ]
}

run "the_events_refuse_2" {
  command = plan

  module {
    source = "./modules/restore-events"
  }

  variables {
    name = "demo"
    # a colon in a pattern
    table_patterns = { source = ["a:b"] }
    # an empty source
    event_sources = [""]
    # a retention beyond fourteen days
    queue = { message_retention_seconds = 1209601 }
    # a FIFO topic
    topic_arn = "arn:aws:sns:us-east-1:123456789012:oncall.fifo"
    # a key of another region
    kms_key_arn = "arn:aws:kms:eu-west-1:123456789012:key/demo"
    # the ARN of a session
    senders = { worker = "arn:aws:iam::123456789012:role/worker", reconciler = "arn:aws:sts::123456789012:assumed-role/reconciler/session" }
  }

  expect_failures = [
    var.event_sources,
    var.kms_key_arn,
    var.queue,
    var.senders,
    var.table_patterns,
    var.topic_arn,
  ]
}

run "the_events_refuse_3" {
  command = plan

  module {
    source = "./modules/restore-events"
  }

  variables {
    name = "demo"
    # consecutive wildcards
    table_patterns = { source = ["a**b"] }
    # a DLQ that forgets before the queue
    queue = { message_retention_seconds = 604800, dead_letter_retention_seconds = 604799 }
    # a topic of another region
    topic_arn = "arn:aws:sns:eu-west-1:123456789012:oncall"
  }

  expect_failures = [
    var.queue,
    var.table_patterns,
    var.topic_arn,
  ]
}

run "the_events_refuse_4" {
  command = plan

  module {
    source = "./modules/restore-events"
  }

  variables {
    name = "demo"
    # an empty list of patterns
    table_patterns = { source = [] }
    # more receives than SQS counts
    queue = { max_receive_count = 1001 }
  }

  expect_failures = [
    var.queue,
    var.table_patterns,
  ]
}

run "a_pattern_that_is_too_long_for_eventbridge_fails" {
  command = plan

  module {
    source = "./modules/restore-events"
  }

  variables {
    name           = "demo"
    table_patterns = { source = [for number in range(40) : "prod-orders-${number}-*"] }
  }

  expect_failures = [aws_cloudwatch_event_rule.restores]
}

# --- the notifications

run "the_notifications_refuse_1" {
  command = plan

  module {
    source = "./modules/notifications"
  }

  variables {
    # a dot in the name
    name = "a.b"
    # one that is given beside one that is made
    topic_arn = "arn:aws:sns:us-east-1:123456789012:oncall"
    # the ARN of an alias
    kms_key_arn = "arn:aws:kms:us-east-1:123456789012:alias/demo"
  }

  expect_failures = [
    var.kms_key_arn,
    var.name,
    var.topic_arn,
  ]
}

run "the_notifications_refuse_2" {
  command = plan

  module {
    source = "./modules/notifications"
  }

  variables {
    name         = "demo"
    create_topic = false
    # a FIFO topic
    topic_arn = "arn:aws:sns:us-east-1:123456789012:oncall.fifo"
    # a key of another region
    kms_key_arn = "arn:aws:kms:eu-west-1:123456789012:key/demo"
  }

  expect_failures = [
    var.kms_key_arn,
    var.topic_arn,
  ]
}

# --- the worker

run "the_worker_refuses_1" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    lambda = { timeout = 121 }
    # hidden for less than six timeouts
    restore_queue = {
      url                        = "https://sqs.example/demo-restores"
      arn                        = "arn:aws:sqs:us-east-1:123456789012:demo-restores"
      visibility_timeout_seconds = 719
      message_retention_seconds  = 604800
    }
    # a space in the name
    name = "a b"
    # a bus of another region
    notifications = { event_bus_name = "arn:aws:events:eu-west-1:123456789012:event-bus/platform" }
    # the name of an alias
    kms_key_arn = "alias/demo"
    # the name of a queue
    dead_letter_queue = { url = "https://sqs.example/dlq", arn = "demo-restores-dlq" }
    # records that are not kept
    restore_table = { record_retention_days = 0 }
    # a capital in the name of a bucket
    artifacts = { layer = { bucket = "Builds", key = "layer.zip", source_hash = "VpTQii5T/8rgwxA+Wtb2B2q9lg6x+KVldwQLwQKPcCs=" } }
  }

  expect_failures = [
    var.artifacts,
    var.dead_letter_queue,
    var.kms_key_arn,
    var.name,
    var.notifications,
    var.restore_queue,
    var.restore_table,
  ]
}

run "the_worker_refuses_2" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    name   = "demo"
    lambda = { timeout = 121 }
    # hidden for less than six longer timeouts
    restore_queue = {
      url                        = "https://sqs.example/demo-restores"
      arn                        = "arn:aws:sqs:us-east-1:123456789012:demo-restores"
      visibility_timeout_seconds = 720
      message_retention_seconds  = 604800
    }
    # a bus of another account
    notifications = { event_bus_name = "arn:aws:events:us-east-1:210987654321:event-bus/platform" }
    # a key of another region
    kms_key_arn = "arn:aws:kms:eu-west-1:123456789012:key/demo"
    # a queue without a URL
    dead_letter_queue = { url = "demo-restores-dlq", arn = "arn:aws:sqs:us-east-1:123456789012:demo-restores-dlq" }
    # a hash that is no SHA-256
    artifacts = { layer = { bucket = "builds", key = "layer.zip", source_hash = "h" } }
  }

  expect_failures = [
    var.artifacts,
    var.dead_letter_queue,
    var.kms_key_arn,
    var.notifications,
    var.restore_queue,
  ]
}

run "the_worker_refuses_3" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    name   = "demo"
    lambda = { timeout = 121 }
    # a FIFO queue
    restore_queue = {
      url                        = "https://sqs.example/demo-restores"
      arn                        = "arn:aws:sqs:us-east-1:123456789012:demo-restores.fifo"
      visibility_timeout_seconds = 726
      message_retention_seconds  = 604800
    }
    # a topic of another region
    notifications = { topic_arn = "arn:aws:sns:eu-west-1:123456789012:oncall" }
  }

  expect_failures = [
    var.notifications,
    var.restore_queue,
  ]
}

run "the_worker_refuses_4" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    name   = "demo"
    lambda = { timeout = 121 }
    # a longest wait that outlives the message
    restore_queue = {
      url                        = "https://sqs.example/demo-restores"
      arn                        = "arn:aws:sqs:us-east-1:123456789012:demo-restores"
      visibility_timeout_seconds = 726
      message_retention_seconds  = 98508
    }
    # a FIFO topic
    notifications = { topic_arn = "arn:aws:sns:us-east-1:123456789012:oncall.fifo" }
  }

  expect_failures = [
    var.notifications,
    var.restore_queue,
  ]
}

run "the_worker_refuses_5" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    name   = "demo"
    lambda = { timeout = 121 }
    # the ARN of an alias as the topic's key
    notifications = { topic_kms_key_arn = "arn:aws:kms:us-east-1:123456789012:alias/oncall" }
  }

  expect_failures = [
    var.notifications,
  ]
}

# --- the worker: what its queue looks at

run "the_worker_refuses_its_own_1" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    name = "demo"
    # a misspelt key, which would let the roles touch all tables
    table_patterns = { sources = ["orders"] }
    # a misspelt key, which would admit everything
    attachable = { function = ["dev-*"] }
    # one attempt
    polling = { max_attempts = 1 }
    # no time for work
    lambda = { timeout = 89 }
  }

  expect_failures = [
    var.attachable,
    var.lambda,
    var.polling,
    var.table_patterns,
  ]
}

run "the_worker_refuses_its_own_2" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    name = "demo"
    # a question mark in a pattern
    table_patterns = { source = ["a?b"] }
    # the ARN of a queue
    attachable = { functions = ["arn:aws:sqs:us-east-1:123456789012:orders"] }
    # more attempts than SQS counts
    polling = { max_attempts = 991, max_delay_seconds = 30 }
    # a concurrency of one
    lambda = { maximum_concurrency = 1 }
  }

  expect_failures = [
    var.attachable,
    var.lambda,
    var.polling,
    var.table_patterns,
  ]
}

run "the_worker_refuses_its_own_3" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    name = "demo"
    # a function among the streams
    attachable = { kinesis_streams = ["arn:aws:lambda:us-east-1:123456789012:function:orders"] }
    # half an attempt
    polling = { max_attempts = 2.5 }
    # a reserve below the concurrency
    lambda = { reserved_concurrency = 9 }
  }

  expect_failures = [
    var.attachable,
    var.lambda,
    var.polling,
  ]
}

run "the_worker_refuses_its_own_4" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    name = "demo"
    # no delay at all
    polling = { base_delay_seconds = 0 }
  }

  expect_failures = [
    var.polling,
  ]
}

run "the_worker_refuses_its_own_5" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    name = "demo"
    # a base delay above the cap
    polling = { base_delay_seconds = 301 }
  }

  expect_failures = [
    var.polling,
  ]
}

run "the_worker_refuses_its_own_6" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    name = "demo"
    # a rate below one
    polling = { backoff_rate = 0.9 }
  }

  expect_failures = [
    var.polling,
  ]
}

run "the_worker_refuses_its_own_7" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    name = "demo"
    # a rate above ten
    polling = { backoff_rate = 10.1 }
  }

  expect_failures = [
    var.polling,
  ]
}

run "the_worker_refuses_its_own_8" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    name = "demo"
    # a delay beyond what SQS hides
    polling = { max_attempts = 3, max_delay_seconds = 42001 }
  }

  expect_failures = [
    var.polling,
  ]
}

run "the_worker_refuses_its_own_9" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    name = "demo"
    # a negative jitter
    polling = { jitter = -0.1 }
  }

  expect_failures = [
    var.polling,
  ]
}

run "the_worker_refuses_its_own_10" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    name = "demo"
    # a jitter above one
    polling = { jitter = 1.1 }
  }

  expect_failures = [
    var.polling,
  ]
}

# --- the function

run "the_function_refuses_1" {
  command = plan

  module {
    source = "./modules/lambda"
  }

  variables {
    # a runtime that is not supported
    function = {
      name        = "demo"
      role_name   = "demo"
      description = "demo"
      handler     = "demo.handler"
      code        = { filename = "./dist/dynamodb_restore.zip" }
      runtime     = "python3.11"
    }
  }

  expect_failures = [
    var.function,
  ]
}

run "the_function_refuses_2" {
  command = plan

  module {
    source = "./modules/lambda"
  }

  variables {
    # a runtime of another language
    function = {
      name        = "demo"
      role_name   = "demo"
      description = "demo"
      handler     = "demo.handler"
      code        = { filename = "./dist/dynamodb_restore.zip" }
      runtime     = "nodejs22.x"
    }
  }

  expect_failures = [
    var.function,
  ]
}

run "the_function_refuses_3" {
  command = plan

  module {
    source = "./modules/lambda"
  }

  variables {
    # an unknown architecture
    function = {
      name         = "demo"
      role_name    = "demo"
      description  = "demo"
      handler      = "demo.handler"
      code         = { filename = "./dist/dynamodb_restore.zip" }
      architecture = "arm"
    }
  }

  expect_failures = [
    var.function,
  ]
}

run "the_function_refuses_4" {
  command = plan

  module {
    source = "./modules/lambda"
  }

  variables {
    # too little memory
    function = {
      name        = "demo"
      role_name   = "demo"
      description = "demo"
      handler     = "demo.handler"
      code        = { filename = "./dist/dynamodb_restore.zip" }
      memory_size = 127
    }
  }

  expect_failures = [
    var.function,
  ]
}

run "the_function_refuses_5" {
  command = plan

  module {
    source = "./modules/lambda"
  }

  variables {
    # a timeout beyond fifteen minutes
    function = {
      name        = "demo"
      role_name   = "demo"
      description = "demo"
      handler     = "demo.handler"
      code        = { filename = "./dist/dynamodb_restore.zip" }
      timeout     = 901
    }
  }

  expect_failures = [
    var.function,
  ]
}

run "the_function_refuses_6" {
  command = plan

  module {
    source = "./modules/lambda"
  }

  variables {
    # a reserve of nothing
    function = {
      name                 = "demo"
      role_name            = "demo"
      description          = "demo"
      handler              = "demo.handler"
      code                 = { filename = "./dist/dynamodb_restore.zip" }
      reserved_concurrency = 0
    }
  }

  expect_failures = [
    var.function,
  ]
}

run "the_function_refuses_7" {
  command = plan

  module {
    source = "./modules/lambda"
  }

  variables {
    # an unknown log level
    function = {
      name        = "demo"
      role_name   = "demo"
      description = "demo"
      handler     = "demo.handler"
      code        = { filename = "./dist/dynamodb_restore.zip" }
      log_level   = "TRACE"
    }
  }

  expect_failures = [
    var.function,
  ]
}

run "the_function_refuses_8" {
  command = plan

  module {
    source = "./modules/lambda"
  }

  variables {
    # a retention that CloudWatch does not offer
    function = {
      name               = "demo"
      role_name          = "demo"
      description        = "demo"
      handler            = "demo.handler"
      code               = { filename = "./dist/dynamodb_restore.zip" }
      log_retention_days = 10
    }
  }

  expect_failures = [
    var.function,
  ]
}

run "the_function_refuses_9" {
  command = plan

  module {
    source = "./modules/lambda"
  }

  variables {
    # code from two places
    function = {
      name        = "demo"
      role_name   = "demo"
      description = "demo"
      handler     = "demo.handler"
      code        = { filename = "./dist/dynamodb_restore.zip", s3 = { bucket = "builds", key = "code.zip", source_hash = "VpTQii5T/8rgwxA+Wtb2B2q9lg6x+KVldwQLwQKPcCs=" } }

    }
  }

  expect_failures = [
    var.function,
  ]
}

run "the_function_refuses_10" {
  command = plan

  module {
    source = "./modules/lambda"
  }

  variables {
    # code from nowhere
    function = {
      name        = "demo"
      role_name   = "demo"
      description = "demo"
      handler     = "demo.handler"
      code        = {}

    }
  }

  expect_failures = [
    var.function,
  ]
}

run "the_function_refuses_11" {
  command = plan

  module {
    source = "./modules/lambda"
  }

  variables {
    # the name of a policy
    function = {
      name                 = "demo"
      role_name            = "demo"
      description          = "demo"
      handler              = "demo.handler"
      code                 = { filename = "./dist/dynamodb_restore.zip" }
      permissions_boundary = "boundary"
    }
  }

  expect_failures = [
    var.function,
  ]
}

run "the_function_refuses_12" {
  command = plan

  module {
    source = "./modules/lambda"
  }

  variables {
    # a path without slashes
    function = {
      name        = "demo"
      role_name   = "demo"
      description = "demo"
      handler     = "demo.handler"
      code        = { filename = "./dist/dynamodb_restore.zip" }
      role_path   = "service"
    }
  }

  expect_failures = [
    var.function,
  ]
}

run "the_function_refuses_13" {
  command = plan

  module {
    source = "./modules/lambda"
  }

  variables {
    # no subnet
    function = {
      name        = "demo"
      role_name   = "demo"
      description = "demo"
      handler     = "demo.handler"
      code        = { filename = "./dist/dynamodb_restore.zip" }
      vpc         = { subnet_ids = [], security_group_ids = ["sg-0123abcd"] }
    }
  }

  expect_failures = [
    var.function,
  ]
}

run "the_function_refuses_14" {
  command = plan

  module {
    source = "./modules/lambda"
  }

  variables {
    # the id of a VPC
    function = {
      name        = "demo"
      role_name   = "demo"
      description = "demo"
      handler     = "demo.handler"
      code        = { filename = "./dist/dynamodb_restore.zip" }
      vpc         = { subnet_ids = ["vpc-0123abcd"], security_group_ids = ["sg-0123abcd"] }
    }
  }

  expect_failures = [
    var.function,
  ]
}

run "the_function_refuses_15" {
  command = plan

  module {
    source = "./modules/lambda"
  }

  variables {
    # a layer without its version
    function = {
      name        = "demo"
      role_name   = "demo"
      description = "demo"
      handler     = "demo.handler"
      code        = { filename = "./dist/dynamodb_restore.zip" }
      layers      = ["arn:aws:lambda:us-east-1:123456789012:layer:demo"]
    }
  }

  expect_failures = [
    var.function,
  ]
}

run "the_function_refuses_16" {
  command = plan

  module {
    source = "./modules/lambda"
  }

  variables {
    # the name of an alias
    function = {
      name        = "demo"
      role_name   = "demo"
      description = "demo"
      handler     = "demo.handler"
      code        = { filename = "./dist/dynamodb_restore.zip" }
      kms_key_arn = "alias/demo"
    }
  }

  expect_failures = [
    var.function,
  ]
}

run "the_function_refuses_17" {
  command = plan

  module {
    source = "./modules/lambda"
  }

  variables {
    # a dot in the name
    function = {
      name        = "a.b"
      role_name   = "demo"
      description = "demo"
      handler     = "demo.handler"
      code        = { filename = "./dist/dynamodb_restore.zip" }

    }
  }

  expect_failures = [
    var.function,
  ]
}

run "the_function_refuses_18" {
  command = plan

  module {
    source = "./modules/lambda"
  }

  variables {
    # a slash in the name of the role
    function = {
      name        = "demo"
      role_name   = "a/b"
      description = "demo"
      handler     = "demo.handler"
      code        = { filename = "./dist/dynamodb_restore.zip" }

    }
  }

  expect_failures = [
    var.function,
  ]
}

# --- the reconciler and the trail

run "the_reconciler_refuses_1" {
  command = plan

  module {
    source = "./modules/reconciler"
  }

  variables {
    name = "demo"
    # the name of a table as its ARN
    binding = {
      restore_table           = { name = "demo-restores", arn = "demo-restores" }
      layer_arn               = "arn:aws:lambda:us-east-1:123456789012:layer:demo-dependencies:1"
      longest_silence_seconds = 2000
      table_patterns          = { target = ["*"] }
      configuration           = "0f1e"
    }
    # a queue without a URL
    restore_queue = { url = "demo-restores", arn = "arn:aws:sqs:us-east-1:123456789012:demo-restores" }
    # the ARN of an alias
    kms_key_arn = "arn:aws:kms:us-east-1:123456789012:alias/demo"
    # a URL of a bucket
    artifacts = { code = { bucket = "s3://builds", key = "code.zip", source_hash = "VpTQii5T/8rgwxA+Wtb2B2q9lg6x+KVldwQLwQKPcCs=" } }
  }

  expect_failures = [
    var.artifacts,
    var.binding,
    var.kms_key_arn,
    var.restore_queue,
  ]
}

run "the_reconciler_refuses_2" {
  command = plan

  module {
    source = "./modules/reconciler"
  }

  variables {
    name = "demo"
    # the name of a layer as its ARN
    binding = {
      restore_table           = { name = "demo-restores", arn = "arn:aws:dynamodb:us-east-1:123456789012:table/demo-restores" }
      layer_arn               = "demo-dependencies"
      longest_silence_seconds = 2000
      table_patterns          = { target = ["*"] }
      configuration           = "0f1e"
    }
    # the name of a queue
    restore_queue = { url = "https://sqs.example/demo-restores", arn = "demo-restores" }
    # a hash that is no SHA-256
    artifacts = { code = { bucket = "builds", key = "code.zip", source_hash = "h" } }
  }

  expect_failures = [
    var.artifacts,
    var.binding,
    var.restore_queue,
  ]
}

run "the_trail_refuses_1" {
  command = plan

  module {
    source = "./modules/trail"
  }

  variables {
    # a dot in the name
    name = "a.b"
    # the ARN of an alias
    kms_key_arn = "arn:aws:kms:us-east-1:123456789012:alias/demo"
    # logs that are not kept
    expire_after_days = 0
  }

  expect_failures = [
    var.expire_after_days,
    var.kms_key_arn,
    var.name,
  ]
}

# --- the neighbours that must pass
run "the_numbers_at_their_limits_pass" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    name = "demo"
    polling = {
      max_attempts       = 990
      base_delay_seconds = 1
      backoff_rate       = 10
      max_delay_seconds  = 1
      jitter             = 1
    }
    lambda = { timeout = 900, maximum_concurrency = 1000, reserved_concurrency = 1000 }
    restore_queue = {
      url                        = "https://sqs.example/demo-restores"
      arn                        = "arn:aws:sqs:us-east-1:123456789012:demo-restores"
      visibility_timeout_seconds = 5400
      message_retention_seconds  = 891990
    }
    dead_letter_queue = {
      url = "https://sqs.example/demo-restores-dlq"
      arn = "arn:aws:sqs:us-east-1:123456789012:demo-restores-dlq"
    }
  }

  assert {
    condition     = output.wait.longest.seconds == 989
    error_message = "Longest wait: ${output.wait.longest.seconds}"
  }
}

run "a_delay_at_what_sqs_hides_passes" {
  command = plan

  module {
    source = "./modules/restore-worker"
  }

  variables {
    name    = "demo"
    polling = { max_attempts = 3, base_delay_seconds = 42000, max_delay_seconds = 42000 }
    restore_queue = {
      url                        = "https://sqs.example/demo-restores"
      arn                        = "arn:aws:sqs:us-east-1:123456789012:demo-restores"
      visibility_timeout_seconds = 720
      message_retention_seconds  = 84361
    }
    dead_letter_queue = {
      url = "https://sqs.example/demo-restores-dlq"
      arn = "arn:aws:sqs:us-east-1:123456789012:demo-restores-dlq"
    }
  }

  assert {
    condition     = output.wait.longest.seconds == 84000
    error_message = "Longest wait: ${output.wait.longest.seconds}"
  }
}
