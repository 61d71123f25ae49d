# A source without a stream cannot be captured, and that must be known before anything is made. Looked up, the stream must
# be one that is switched on; given, it must belong to the table; and a stream that is given must not be looked up, for its
# table may not exist yet. A table that was deleted after its cutover must not end every plan: the pipeline stays as it is
# registered, and a check says what to do.

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

run "the_stream_is_looked_up_by_the_tables_name" {
  module {
    source = "./modules/change-pipeline"
  }

  override_data {
    target = data.aws_dynamodb_table.source[0]
    values = {
      stream_enabled = true
      stream_arn     = "arn:aws:dynamodb:us-east-1:123456789012:table/orders/stream/2026-01-31T03:00:00.000"
    }
  }

  assert {
    condition     = data.aws_dynamodb_table.source[0].name == "orders" && output.stream_arn == "arn:aws:dynamodb:us-east-1:123456789012:table/orders/stream/2026-01-31T03:00:00.000"
    error_message = "Stream ${output.stream_arn} of ${data.aws_dynamodb_table.source[0].name}"
  }
}

run "a_given_stream_is_not_looked_up" {
  module {
    source = "./modules/change-pipeline"
  }

  variables {
    stream = { arn = "arn:aws:dynamodb:us-east-1:123456789012:table/orders/stream/2026-02-28T03:00:00.000", view_type = "NEW_AND_OLD_IMAGES" }
  }

  assert {
    condition     = length(data.aws_dynamodb_table.source) == 0 && output.stream_arn == "arn:aws:dynamodb:us-east-1:123456789012:table/orders/stream/2026-02-28T03:00:00.000"
    error_message = "Stream ${output.stream_arn}, looked up ${length(data.aws_dynamodb_table.source)} times"
  }
}

# The table, its name and all of its stream are outputs of a module that makes them in the same apply.
run "a_table_of_which_nothing_is_known_yet_can_be_planned" {
  command = plan

  module {
    source = "./tests/terraform/fixtures/generated-table"
  }

  assert {
    condition     = output.functions == "demo--orders-capture demo--orders-replay demo--orders-upkeep"
    error_message = "Functions: ${output.functions}"
  }
}

run "a_stream_that_is_given_and_looked_up_fails" {
  command = plan

  module {
    source = "./modules/change-pipeline"
  }

  variables {
    stream         = { arn = "arn:aws:dynamodb:us-east-1:123456789012:table/orders/stream/2026-02-28T03:00:00.000", view_type = "NEW_AND_OLD_IMAGES" }
    look_up_stream = true
  }

  expect_failures = [var.look_up_stream]
}

run "a_table_without_a_stream_fails" {
  command = plan

  module {
    source = "./modules/change-pipeline"
  }

  override_data {
    target = data.aws_dynamodb_table.source[0]
    values = { stream_enabled = false, stream_arn = "" }
  }

  expect_failures = [data.aws_dynamodb_table.source[0]]
}

run "a_stream_that_was_switched_off_fails" {
  command = plan

  module {
    source = "./modules/change-pipeline"
  }

  override_data {
    target = data.aws_dynamodb_table.source[0]
    values = { stream_enabled = false, stream_arn = "arn:aws:dynamodb:us-east-1:123456789012:table/orders/stream/2026-01-31T03:00:00.000" }
  }

  expect_failures = [data.aws_dynamodb_table.source[0]]
}

run "the_pipeline_of_a_table_that_is_gone_stays_as_it_is_and_a_check_tells" {
  module {
    source = "./modules/change-pipeline"
  }

  override_data {
    target = data.aws_dynamodb_tables.all[0]
    values = { names = ["orders-restored"] }
  }

  override_data {
    target = data.aws_dynamodb_table_item.last_registration[0]
    values = { item = "{\"stream_arn\":{\"S\":\"arn:aws:dynamodb:us-east-1:123456789012:table/orders/stream/2025-12-24T03:00:00.000\"},\"stream_has_new_images\":{\"BOOL\":false},\"ttl_attribute\":{\"S\":\"expires\"}}" }
  }

  assert {
    condition     = length(data.aws_dynamodb_table.source) == 0 && data.aws_dynamodb_table_item.last_registration[0].table_name == "demo-restores" && jsondecode(data.aws_dynamodb_table_item.last_registration[0].key) == { pk = { S = "pipeline#orders" }, sk = { S = "registration" } }
    error_message = "Looked up ${length(data.aws_dynamodb_table.source)} times, and ${jsonencode(data.aws_dynamodb_table_item.last_registration)}"
  }

  assert {
    condition     = aws_lambda_event_source_mapping.stream.event_source_arn == "arn:aws:dynamodb:us-east-1:123456789012:table/orders/stream/2025-12-24T03:00:00.000" && local.capture_function.environment.TTL_ATTRIBUTE == "expires"
    error_message = "Capture: ${jsonencode([aws_lambda_event_source_mapping.stream.event_source_arn, local.capture_function.environment])}"
  }

  assert {
    condition     = [for name in ["stream_arn", "stream_has_new_images", "ttl_attribute"] : jsondecode(aws_dynamodb_table_item.registration.item)[name]] == [{ S = "arn:aws:dynamodb:us-east-1:123456789012:table/orders/stream/2025-12-24T03:00:00.000" }, { BOOL = false }, { S = "expires" }]
    error_message = "Item: ${aws_dynamodb_table_item.registration.item}"
  }

  expect_failures = [check.source_table]
}
