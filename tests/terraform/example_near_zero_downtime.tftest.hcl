# The example makes a table where none is named, and leaves one alone that is. tests/local applies the former, make demo the latter.

mock_provider "aws" {
  source = "./tests/terraform/mocks"
}

run "a_table_that_is_named_is_looked_up" {
  module {
    source = "./examples/near-zero-downtime"
  }

  command = plan

  variables {
    table = "orders"
  }

  assert {
    condition     = length(aws_dynamodb_table.orders) == 0 && output.table == "orders"
    error_message = "${length(aws_dynamodb_table.orders)} tables are made, and ${output.table} is captured"
  }
}

run "without_one_a_table_with_a_stream_is_made" {
  module {
    source = "./examples/near-zero-downtime"
  }

  command = plan

  assert {
    condition     = aws_dynamodb_table.orders[0].name == output.table && aws_dynamodb_table.orders[0].stream_enabled && aws_dynamodb_table.orders[0].point_in_time_recovery[0].enabled
    error_message = "The table that is made cannot be restored and replayed: ${jsonencode(aws_dynamodb_table.orders[0])}"
  }
}
