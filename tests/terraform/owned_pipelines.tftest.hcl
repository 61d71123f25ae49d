# A plan that would take a change pipeline from a restore, or replace what it captures with, has to say so before it is applied.
# What the functions noted is a hint: a note that nobody has made anew for hours, and one about another configuration's pipeline,
# must not warn for ever.

variables {
  pipelines = { orders = { stream_arn = "arn:aws:dynamodb:us-east-1:123456789012:table/orders/stream/2026-01-31T03:00:00.000" } }
}

run "what_is_in_the_configuration_or_anothers_or_long_gone_is_no_matter" {
  command = plan

  module {
    source = "./modules/owned-pipelines"
  }

  variables {
    item = "{\"owned\":{\"M\":{\"orders\":{\"M\":{\"target\":{\"S\":\"orders-restored\"},\"stream_arn\":{\"S\":\"arn:aws:dynamodb:us-east-1:123456789012:table/orders/stream/2026-01-31T03:00:00.000\"},\"in_root_module\":{\"BOOL\":true},\"noted_at\":{\"S\":\"2999-01-01T00:00:00Z\"}}},\"theirs\":{\"M\":{\"target\":{\"S\":\"theirs-restored\"},\"stream_arn\":{\"S\":\"arn:theirs\"},\"in_root_module\":{\"BOOL\":false},\"noted_at\":{\"S\":\"2999-01-01T00:00:00Z\"}}},\"gone\":{\"M\":{\"target\":{\"S\":\"gone-restored\"},\"stream_arn\":{\"S\":\"arn:gone\"},\"in_root_module\":{\"BOOL\":true},\"noted_at\":{\"S\":\"2000-01-01T00:00:00Z\"}}}}}}"
  }
}

run "a_pipeline_that_a_restore_owns_and_the_configuration_no_longer_has_is_told" {
  command = plan

  module {
    source = "./modules/owned-pipelines"
  }

  variables {
    item = "{\"owned\":{\"M\":{\"customers\":{\"M\":{\"target\":{\"S\":\"customers-restored\"},\"stream_arn\":{\"S\":\"arn:customers\"},\"in_root_module\":{\"BOOL\":true},\"noted_at\":{\"S\":\"2999-01-01T00:00:00Z\"}}}}}}"
  }

  expect_failures = [check.owned_pipelines]
}

run "a_stream_that_was_replaced_while_a_restore_owns_the_pipeline_is_told" {
  command = plan

  module {
    source = "./modules/owned-pipelines"
  }

  variables {
    item = "{\"owned\":{\"M\":{\"orders\":{\"M\":{\"target\":{\"S\":\"orders-restored\"},\"stream_arn\":{\"S\":\"arn:aws:dynamodb:us-east-1:123456789012:table/orders/stream/2025-12-24T03:00:00.000\"},\"in_root_module\":{\"BOOL\":true},\"noted_at\":{\"S\":\"2999-01-01T00:00:00Z\"}}}}}}"
  }

  expect_failures = [check.owned_pipelines]
}
