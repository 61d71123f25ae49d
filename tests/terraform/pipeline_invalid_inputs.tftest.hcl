# Input that cannot work must fail at plan time, at the variable that is wrong, and not as changes that are lost while a
# restore runs. Each run has one bad value of each of several variables, and all of them must be refused: a check that is
# broken leaves its variable out of the failures, which fails the run. No variable of a run looks at another one of it, for
# Terraform does not check what depends on a value that was refused. The neighbours of each limit that must pass are in
# the last runs.

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

run "the_pipeline_refuses_1" {
  command = plan

  module {
    source = "./modules/change-pipeline"
  }

  variables {
    # a space in the label
    label = "a b"
    # a stream that is no ARN
    stream = { arn = "orders", view_type = "NEW_AND_OLD_IMAGES" }
    # every other hour
    upkeep_interval_minutes = 120
    # an unknown mode
    capture = "sometimes"
    # no JSON
    filter = ["eventName = INSERT"]
    # no group
    group_count = 0
    # more than SQS takes
    byte_limit = 1048577
    # no pattern
    target_patterns = []
    # less than Lambda takes
    replay_concurrency = 1
    # a limit of nothing
    write_units_per_second = 0
    # a limit of nothing
    read_units_per_second = 0
    # a misspelt key
    stream_reader = { batch_sise = 100 }
    # an alarm on what SQS has dropped by then
    buffer = { alarm_after_days = 14 }
    # a bucket that is given and made
    failure_bucket = { arn = "arn:aws:s3:::estate-failures" }
    # an empty name
    ttl_attribute = ""
    # what switches capture off
    capture_reserved_concurrency = 0
    # the ARN of an alias
    table_kms_key_arns = ["arn:aws:kms:us-east-1:123456789012:alias/orders"]
    # the name of an alias
    kms_key_arn = "alias/demo"
    # the ARN of a bucket
    artifacts = { code = { bucket = "arn:aws:s3:::builds", key = "code.zip", source_hash = "VpTQii5T/8rgwxA+Wtb2B2q9lg6x+KVldwQLwQKPcCs=" } }
    # the name of a table as its ARN
    binding = {
      name          = "demo"
      restore_table = { name = "demo-restores", arn = "demo-restores" }
      functions     = { operator = { name = "demo-operator" } }
      layer_arn     = "arn:aws:lambda:us-east-1:123456789012:layer:demo-dependencies:1"
    }
  }

  expect_failures = [
    var.artifacts,
    var.binding,
    var.buffer,
    var.byte_limit,
    var.capture,
    var.capture_reserved_concurrency,
    var.failure_bucket,
    var.filter,
    var.group_count,
    var.kms_key_arn,
    var.label,
    var.read_units_per_second,
    var.replay_concurrency,
    var.stream,
    var.stream_reader,
    var.table_kms_key_arns,
    var.target_patterns,
    var.ttl_attribute,
    var.upkeep_interval_minutes,
    var.write_units_per_second,
  ]
}

run "the_pipeline_refuses_2" {
  command = plan

  module {
    source = "./modules/change-pipeline"
  }

  variables {
    # an empty ARN
    stream = { arn = "", view_type = "NEW_AND_OLD_IMAGES" }
    # every minute and a half
    upkeep_interval_minutes = 1.5
    # JSON that is no object
    filter = ["[\"INSERT\"]"]
    # more than the limit
    group_count = 1001
    # too small for a bundle
    byte_limit = 1023
    # a space in a pattern
    target_patterns = ["orders restored"]
    # more than Lambda takes
    replay_concurrency = 1001
    # a batch above Lambda's
    stream_reader = { batch_size = 10001 }
    # hidden for less than six timeouts
    buffer = { visibility_timeout_seconds = 359 }
    # no bucket at all
    failure_bucket = { create = false }
    # half an invocation
    capture_reserved_concurrency = 1.5
    # a key of another region
    table_kms_key_arns = ["arn:aws:kms:us-east-1:123456789012:key/orders", "arn:aws:kms:eu-west-1:123456789012:key/orders"]
    # a key of another region
    kms_key_arn = "arn:aws:kms:eu-west-1:123456789012:key/demo"
    # a hash that is no SHA-256
    artifacts = { code = { bucket = "builds", key = "code.zip", source_hash = "h" } }
    # the name of a layer as its ARN
    binding = {
      name          = "demo"
      restore_table = { name = "demo-restores", arn = "arn:aws:dynamodb:us-east-1:123456789012:table/demo-restores" }
      functions     = { operator = { name = "demo-operator" } }
      layer_arn     = "demo-dependencies"
    }
  }

  expect_failures = [
    var.artifacts,
    var.binding,
    var.buffer,
    var.byte_limit,
    var.capture_reserved_concurrency,
    var.failure_bucket,
    var.filter,
    var.group_count,
    var.kms_key_arn,
    var.replay_concurrency,
    var.stream,
    var.stream_reader,
    var.table_kms_key_arns,
    var.target_patterns,
    var.upkeep_interval_minutes,
  ]
}

run "the_pipeline_refuses_3" {
  command = plan

  module {
    source = "./modules/change-pipeline"
  }

  variables {
    # a stream of another table
    stream = { arn = "arn:aws:dynamodb:us-east-1:123456789012:table/customers/stream/2026-01-31T03:00:00.000", view_type = "NEW_AND_OLD_IMAGES" }
    # a field that no record has
    filter = ["{\"body\":{\"a\":[1]}}"]
    # half a group
    group_count = 1.5
    # a window above Lambda's
    stream_reader = { batching_window_seconds = 301 }
    # hidden for longer than SQS hides
    buffer = { visibility_timeout_seconds = 43201 }
    # a bucket with a path
    failure_bucket = { create = false, arn = "arn:aws:s3:::estate-failures/orders" }
  }

  expect_failures = [
    var.buffer,
    var.failure_bucket,
    var.filter,
    var.group_count,
    var.stream,
    var.stream_reader,
  ]
}

run "the_pipeline_refuses_4" {
  command = plan

  module {
    source = "./modules/change-pipeline"
  }

  variables {
    # an unknown view type
    stream = { arn = "arn:aws:dynamodb:us-east-1:123456789012:table/orders/stream/2026-01-31T03:00:00.000", view_type = "ALL" }
    # what filters nothing
    filter = ["{}"]
    # a factor above Lambda's
    stream_reader = { parallelization_factor = 11 }
    # an expiry of no days
    failure_bucket = { expire_after_days = 0 }
  }

  expect_failures = [
    var.failure_bucket,
    var.filter,
    var.stream,
    var.stream_reader,
  ]
}

run "the_pipeline_refuses_5" {
  command = plan

  module {
    source = "./modules/change-pipeline"
  }

  variables {
    # more than Lambda takes
    filter = [for number in range(11) : "{\"eventName\":[\"INSERT\"]}"]
    # an age below Lambda's
    stream_reader = { maximum_record_age_seconds = 59 }
    # the ARN of an alias as the bucket's key
    failure_bucket = { create = false, arn = "arn:aws:s3:::estate-failures", kms_key_arn = "arn:aws:kms:us-east-1:123456789012:alias/estate" }
  }

  expect_failures = [
    var.failure_bucket,
    var.filter,
    var.stream_reader,
  ]
}

run "the_pipeline_refuses_6" {
  command = plan

  module {
    source = "./modules/change-pipeline"
  }

  variables {
    # an age that the stream does not keep
    stream_reader = { maximum_record_age_seconds = 82801 }
    # a key of one's own for the bucket that is made
    failure_bucket = { kms_key_arn = "arn:aws:kms:us-east-1:123456789012:key/estate" }
  }

  expect_failures = [
    var.failure_bucket,
    var.stream_reader,
  ]
}

# --- what other variables look at

run "the_pipeline_refuses_alone_1" {
  command = plan

  module {
    source = "./modules/change-pipeline"
  }

  variables {
    # an ARN
    table = "arn:aws:dynamodb:us-east-1:123456789012:table/orders"
    # no time to write
    lambda = { timeout = 44 }
  }

  expect_failures = [
    var.lambda,
    var.table,
  ]
}

run "the_pipeline_refuses_alone_2" {
  command = plan

  module {
    source = "./modules/change-pipeline"
  }

  variables {
    # a name that is too long
    table = join("", [for number in range(256) : "t"])
  }

  expect_failures = [
    var.table,
  ]
}

# --- the root: what a pipeline needs of the rest

run "a_pipeline_named_by_an_arn_fails" {
  command = plan

  variables {
    # the ARN of a table as the label
    change_pipelines = { "arn:aws:dynamodb:us-east-1:123456789012:table/orders" = {} }
  }

  expect_failures = [var.change_pipelines]
}

run "two_pipelines_of_one_table_fail" {
  command = plan

  variables {
    change_pipelines = { orders = {}, again = { name = "orders" } }
  }

  expect_failures = [var.change_pipelines]
}

run "a_table_whose_restores_would_not_be_seen_fails" {
  command = plan

  variables {
    table_patterns   = { source = ["prod.*"] }
    change_pipelines = { prod-orders = {} }
  }

  expect_failures = [var.change_pipelines]
}

run "a_table_that_a_pattern_covers_passes" {
  command = plan

  variables {
    table_patterns   = { source = ["customers", "prod.*"] }
    change_pipelines = { "prod.orders" = {} }
  }

  assert {
    condition     = keys(output.change_pipelines) == ["prod.orders"]
    error_message = "Pipelines: ${join(", ", keys(output.change_pipelines))}"
  }
}

# --- the neighbours that must pass
run "the_numbers_at_their_lower_limits_pass" {
  command = plan

  module {
    source = "./modules/change-pipeline"
  }

  variables {
    table                  = "abc"
    stream                 = { arn = "arn:aws:dynamodb:us-east-1:123456789012:table/abc/stream/2026-01-31T03:00:00.000", view_type = "KEYS_ONLY" }
    group_count            = 1
    byte_limit             = 1024
    replay_concurrency     = 2
    write_units_per_second = 0.5
    lambda                 = { timeout = 45 }
    buffer                 = { visibility_timeout_seconds = 270 }
    stream_reader          = { batch_size = 1, batching_window_seconds = 0, parallelization_factor = 1, maximum_record_age_seconds = 60 }
    failure_bucket         = { expire_after_days = 1 }
    ttl_attribute          = "t"

    capture_reserved_concurrency = 1
  }

  assert {
    condition     = local.replay_function.environment.WRITE_UNITS_PER_SECOND == "0.5"
    error_message = "Limit: ${local.replay_function.environment.WRITE_UNITS_PER_SECOND}"
  }
}

run "the_numbers_at_their_upper_limits_pass" {
  command = plan

  module {
    source = "./modules/change-pipeline"
  }

  variables {
    table              = join("", [for number in range(255) : "t"])
    stream             = { arn = "arn:aws:dynamodb:us-east-1:123456789012:table/${join("", [for number in range(255) : "t"])}/stream/2026-01-31T03:00:00.000", view_type = "KEYS_ONLY" }
    group_count        = 1000
    byte_limit         = 262144
    ttl_attribute      = join("", [for number in range(255) : "t"])
    replay_concurrency = 1000
    lambda             = { timeout = 900 }
    buffer             = { visibility_timeout_seconds = 43200 }
    stream_reader      = { batch_size = 10000, batching_window_seconds = 300, parallelization_factor = 10, maximum_record_age_seconds = 82800 }
    filter             = [for number in range(10) : "{\"eventName\":[\"INSERT\"]}"]
  }

  assert {
    condition     = local.capture_function.environment.GROUP_COUNT == "1000"
    error_message = "Groups: ${local.capture_function.environment.GROUP_COUNT}"
  }
}
