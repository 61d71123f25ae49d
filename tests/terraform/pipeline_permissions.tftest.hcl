# Least privilege, stated: every statement of the roles that a pipeline makes. What the roles of the worker and the operator
# function may do with pipelines is in permissions.tftest.hcl.

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

override_data {
  target = data.aws_dynamodb_table.source[0]
  values = {
    stream_enabled = true
    stream_arn     = "arn:aws:dynamodb:us-east-1:123456789012:table/orders/stream/2026-01-31T03:00:00.000"
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

override_resource {
  target = aws_lambda_event_source_mapping.stream
  values = {
    arn  = "arn:aws:lambda:us-east-1:123456789012:event-source-mapping:11111111-1111-4111-8111-111111111111"
    uuid = "11111111-1111-4111-8111-111111111111"
  }
}

override_resource {
  target = aws_lambda_event_source_mapping.buffer
  values = {
    arn  = "arn:aws:lambda:us-east-1:123456789012:event-source-mapping:22222222-2222-4222-8222-222222222222"
    uuid = "22222222-2222-4222-8222-222222222222"
  }
}

override_resource {
  target = aws_s3_bucket.failures[0]
  values = { arn = "arn:aws:s3:::demo--orders-12a74127-failures-123456789012" }
}

run "capture_may_read_the_stream_fill_the_buffer_and_note_how_far_it_is" {
  module {
    source = "./modules/change-pipeline"
  }

  assert {
    condition = {
      for statement in data.aws_iam_policy_document.capture.statement :
      statement.sid => { effect = coalesce(statement.effect, "Allow"), actions = join(" ", sort(statement.actions)), resources = join(" ", sort(statement.resources)) }
      } == {
      ReadTheStream            = { effect = "Allow", actions = "dynamodb:DescribeStream dynamodb:GetRecords dynamodb:GetShardIterator", resources = "arn:aws:dynamodb:us-east-1:123456789012:table/orders/stream/2026-01-31T03:00:00.000" }
      ListTheStreamsOfTheTable = { effect = "Allow", actions = "dynamodb:ListStreams", resources = "arn:aws:dynamodb:us-east-1:123456789012:table/orders/stream/*" }
      FillTheBuffer            = { effect = "Allow", actions = "sqs:SendMessage", resources = "arn:aws:sqs:us-east-1:123456789012:demo--orders-changes.fifo" }
      NoteProgress             = { effect = "Allow", actions = "dynamodb:GetItem dynamodb:UpdateItem", resources = "arn:aws:dynamodb:us-east-1:123456789012:table/demo-restores" }
      KeepWhatCannotBeSent     = { effect = "Allow", actions = "s3:PutObject", resources = "arn:aws:s3:::demo--orders-12a74127-failures-123456789012/*" }
      StoreLargeImages         = { effect = "Allow", actions = "s3:PutObject", resources = "arn:aws:s3:::demo--orders-12a74127-failures-123456789012/images/demo--orders/*" }
      FindTheBucket            = { effect = "Allow", actions = "s3:ListBucket", resources = "arn:aws:s3:::demo--orders-12a74127-failures-123456789012" }
    }
    error_message = "Statements: ${jsonencode({ for statement in data.aws_iam_policy_document.capture.statement : statement.sid => [statement.effect, statement.actions, statement.resources] })}"
  }

  assert {
    condition = {
      for statement in data.aws_iam_policy_document.capture.statement :
      statement.sid => "${one(statement.condition).test} ${one(statement.condition).variable} ${join(" ", one(statement.condition).values)}" if length(statement.condition) > 0
      } == {
      NoteProgress = "ForAllValues:StringEquals dynamodb:LeadingKeys pipeline#orders"
    }
    error_message = "Conditions: ${jsonencode({ for statement in data.aws_iam_policy_document.capture.statement : statement.sid => statement.condition })}"
  }

  assert {
    condition     = aws_iam_role_policy.capture.role == "demo--orders-capture-us-east-1"
    error_message = "On ${aws_iam_role_policy.capture.role}"
  }
}

# With the default patterns: names that begin with the source's.
run "replay_may_write_targets_and_never_the_source_nor_others_records" {
  module {
    source = "./modules/change-pipeline"
  }

  assert {
    condition = {
      for statement in data.aws_iam_policy_document.replay.statement :
      statement.sid => { effect = coalesce(statement.effect, "Allow"), actions = join(" ", sort(statement.actions)), resources = join(" ", sort(statement.resources)) }
      } == {
      EmptyTheBuffer                = { effect = "Allow", actions = "sqs:ChangeMessageVisibility sqs:DeleteMessage sqs:GetQueueAttributes sqs:ReceiveMessage", resources = "arn:aws:sqs:us-east-1:123456789012:demo--orders-changes.fifo" }
      SetBundlesAside               = { effect = "Allow", actions = "sqs:SendMessage", resources = "arn:aws:sqs:us-east-1:123456789012:demo--orders-changes-dlq.fifo" }
      WriteTheTarget                = { effect = "Allow", actions = "dynamodb:BatchWriteItem dynamodb:DeleteItem dynamodb:PutItem", resources = "arn:aws:dynamodb:us-east-1:123456789012:table/orders-*" }
      ReadItemsThatDidNotTravel     = { effect = "Allow", actions = "dynamodb:BatchGetItem dynamodb:GetItem", resources = "arn:aws:dynamodb:us-east-1:123456789012:table/orders" }
      ReadLargeImages               = { effect = "Allow", actions = "s3:GetObject", resources = "arn:aws:s3:::demo--orders-12a74127-failures-123456789012/images/demo--orders/*" }
      TellImagesThatAreGone         = { effect = "Allow", actions = "s3:ListBucket", resources = "arn:aws:s3:::demo--orders-12a74127-failures-123456789012" }
      FollowTheClaimAndNoteProgress = { effect = "Allow", actions = "dynamodb:BatchGetItem dynamodb:GetItem dynamodb:UpdateItem", resources = "arn:aws:dynamodb:us-east-1:123456789012:table/demo-restores" }
      NoteWhatIsInDoubt             = { effect = "Allow", actions = "dynamodb:DeleteItem dynamodb:Query dynamodb:UpdateItem", resources = "arn:aws:dynamodb:us-east-1:123456789012:table/demo-restores" }
      KeepTheQuarantine             = { effect = "Allow", actions = "dynamodb:BatchGetItem dynamodb:BatchWriteItem dynamodb:DeleteItem dynamodb:UpdateItem", resources = "arn:aws:dynamodb:us-east-1:123456789012:table/demo-restores" }
      NeverWriteTheSource           = { effect = "Deny", actions = "dynamodb:BatchWriteItem dynamodb:DeleteItem dynamodb:PutItem", resources = "arn:aws:dynamodb:us-east-1:123456789012:table/orders" }
      KeepToItsOwnRecords           = { effect = "Deny", actions = "dynamodb:BatchWriteItem dynamodb:DeleteItem dynamodb:PutItem", resources = "arn:aws:dynamodb:us-east-1:123456789012:table/demo-restores" }
    }
    error_message = "Statements: ${jsonencode({ for statement in data.aws_iam_policy_document.replay.statement : statement.sid => [statement.effect, statement.actions, statement.resources] })}"
  }

  assert {
    condition = {
      for statement in data.aws_iam_policy_document.replay.statement :
      statement.sid => "${one(statement.condition).test} ${one(statement.condition).variable} ${join(" ", one(statement.condition).values)}" if length(statement.condition) > 0
      } == {
      FollowTheClaimAndNoteProgress = "ForAllValues:StringEquals dynamodb:LeadingKeys pipeline#orders"
      NoteWhatIsInDoubt             = "ForAllValues:StringEquals dynamodb:LeadingKeys doubt#orders"
      KeepTheQuarantine             = "ForAllValues:StringLike dynamodb:LeadingKeys quarantine#*"
      KeepToItsOwnRecords           = "ForAnyValue:StringNotLike dynamodb:LeadingKeys quarantine#* doubt#orders"
    }
    error_message = "Conditions: ${jsonencode({ for statement in data.aws_iam_policy_document.replay.statement : statement.sid => statement.condition })}"
  }

  assert {
    condition     = aws_iam_role_policy.replay.role == "demo--orders-replay-us-east-1"
    error_message = "On ${aws_iam_role_policy.replay.role}"
  }
}

override_resource {
  target = module.upkeep.aws_lambda_function.this
  values = { arn = "arn:aws:lambda:us-east-1:123456789012:function:demo--orders-upkeep" }
}

run "upkeep_may_touch_items_and_never_the_source_nor_others_records" {
  module {
    source = "./modules/change-pipeline"
  }

  variables {
    target_patterns = ["orders-*"]
  }

  assert {
    condition = {
      for statement in data.aws_iam_policy_document.upkeep.statement :
      statement.sid => { effect = coalesce(statement.effect, "Allow"), actions = join(" ", sort(statement.actions)), resources = join(" ", sort(statement.resources)) }
      } == {
      KeepThePipelinesRecords = { effect = "Allow", actions = "dynamodb:DeleteItem dynamodb:GetItem dynamodb:Query dynamodb:UpdateItem", resources = "arn:aws:dynamodb:us-east-1:123456789012:table/demo-restores" }
      SettleWhatIsInDoubt     = { effect = "Allow", actions = "dynamodb:DeleteItem dynamodb:Query dynamodb:UpdateItem", resources = "arn:aws:dynamodb:us-east-1:123456789012:table/demo-restores" }
      ResolveTheQuarantine    = { effect = "Allow", actions = "dynamodb:BatchGetItem dynamodb:BatchWriteItem dynamodb:DeleteItem dynamodb:Query dynamodb:UpdateItem", resources = "arn:aws:dynamodb:us-east-1:123456789012:table/demo-restores" }
      NoteInTheRestoreRecord  = { effect = "Allow", actions = "dynamodb:UpdateItem", resources = "arn:aws:dynamodb:us-east-1:123456789012:table/demo-restores" }
      NoteWhoOwnsIt           = { effect = "Allow", actions = "dynamodb:UpdateItem", resources = "arn:aws:dynamodb:us-east-1:123456789012:table/demo-restores" }
      SwitchTheMappings       = { effect = "Allow", actions = "lambda:GetEventSourceMapping lambda:UpdateEventSourceMapping", resources = "arn:aws:lambda:us-east-1:123456789012:event-source-mapping:11111111-1111-4111-8111-111111111111 arn:aws:lambda:us-east-1:123456789012:event-source-mapping:22222222-2222-4222-8222-222222222222" }
      LookAtTheStream         = { effect = "Allow", actions = "dynamodb:DescribeTable", resources = "arn:aws:dynamodb:us-east-1:123456789012:table/orders" }
      FillTheBuffer           = { effect = "Allow", actions = "sqs:SendMessage", resources = "arn:aws:sqs:us-east-1:123456789012:demo--orders-changes.fifo" }
      EmptyTheDeadLetterQueue = { effect = "Allow", actions = "sqs:ChangeMessageVisibility sqs:DeleteMessage sqs:GetQueueAttributes sqs:ReceiveMessage", resources = "arn:aws:sqs:us-east-1:123456789012:demo--orders-changes-dlq.fifo" }
      FindWhatWasGivenUp      = { effect = "Allow", actions = "s3:ListBucket", resources = "arn:aws:s3:::demo--orders-12a74127-failures-123456789012" }
      BringInWhatWasGivenUp   = { effect = "Allow", actions = "s3:DeleteObject s3:GetObject", resources = "arn:aws:s3:::demo--orders-12a74127-failures-123456789012/aws/lambda/11111111-1111-4111-8111-111111111111/*" }
      ReadTheSource           = { effect = "Allow", actions = "dynamodb:GetItem", resources = "arn:aws:dynamodb:us-east-1:123456789012:table/orders" }
      WriteTheTarget          = { effect = "Allow", actions = "dynamodb:DeleteItem dynamodb:PutItem", resources = "arn:aws:dynamodb:us-east-1:123456789012:table/orders-*" }
      NeverWriteTheSource     = { effect = "Deny", actions = "dynamodb:BatchWriteItem dynamodb:DeleteItem dynamodb:PutItem", resources = "arn:aws:dynamodb:us-east-1:123456789012:table/orders" }
      KeepToItsOwnRecords     = { effect = "Deny", actions = "dynamodb:BatchWriteItem dynamodb:DeleteItem dynamodb:PutItem", resources = "arn:aws:dynamodb:us-east-1:123456789012:table/demo-restores" }
    }
    error_message = "Statements: ${jsonencode({ for statement in data.aws_iam_policy_document.upkeep.statement : statement.sid => [statement.effect, statement.actions, statement.resources] })}"
  }

  assert {
    condition = {
      for statement in data.aws_iam_policy_document.upkeep.statement :
      statement.sid => "${one(statement.condition).test} ${one(statement.condition).variable} ${join(" ", one(statement.condition).values)}" if length(statement.condition) > 0
      } == {
      KeepThePipelinesRecords = "ForAllValues:StringEquals dynamodb:LeadingKeys pipeline#orders"
      SettleWhatIsInDoubt     = "ForAllValues:StringEquals dynamodb:LeadingKeys doubt#orders"
      ResolveTheQuarantine    = "ForAllValues:StringLike dynamodb:LeadingKeys quarantine#*"
      NoteInTheRestoreRecord  = "ForAllValues:StringLike dynamodb:LeadingKeys target#*"
      NoteWhoOwnsIt           = "ForAllValues:StringEquals dynamodb:LeadingKeys pipelines"
      FindWhatWasGivenUp      = "StringEquals s3:prefix aws/lambda/11111111-1111-4111-8111-111111111111/"
      KeepToItsOwnRecords     = "ForAnyValue:StringNotLike dynamodb:LeadingKeys pipeline#orders doubt#orders quarantine#*"
    }
    error_message = "Conditions: ${jsonencode({ for statement in data.aws_iam_policy_document.upkeep.statement : statement.sid => statement.condition })}"
  }

  assert {
    condition     = aws_iam_role_policy.upkeep.role == "demo--orders-upkeep-us-east-1"
    error_message = "On ${aws_iam_role_policy.upkeep.role}"
  }
}

# IAM allows the inline policies of a role 10240 characters together (docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html).
run "the_policies_of_the_longest_names_fit_their_roles" {
  module {
    source = "./modules/change-pipeline"
  }

  variables {
    table           = join("", [for number in range(255) : "t"])
    stream          = { arn = "arn:aws:dynamodb:us-east-1:123456789012:table/${join("", [for number in range(255) : "t"])}/stream/2026-01-31T03:00:00.000", view_type = "NEW_AND_OLD_IMAGES" }
    target_patterns = [for number in range(6) : "a-long-pattern-for-restored-tables-${number}-*"]
    kms_key_arn     = "arn:aws:kms:us-east-1:123456789012:key/11111111-1111-4111-8111-111111111111"
    binding = {
      name          = "nnnnnnnnnnnnnnnnnnnnnnnn"
      restore_table = { name = "nnnnnnnnnnnnnnnnnnnnnnnn-restores", arn = "arn:aws:dynamodb:us-east-1:123456789012:table/nnnnnnnnnnnnnnnnnnnnnnnn-restores" }
      functions     = { operator = { name = "nnnnnnnnnnnnnnnnnnnnnnnn-operator" } }
      layer_arn     = "arn:aws:lambda:us-east-1:123456789012:layer:demo-dependencies:1"
    }
  }

  assert {
    condition = alltrue([
      for document in [data.aws_iam_policy_document.capture, data.aws_iam_policy_document.replay, data.aws_iam_policy_document.upkeep] :
      length(jsonencode([for statement in document.statement : { Sid = statement.sid, Effect = "Allow", Action = statement.actions, Resource = statement.resources, Condition = statement.condition }])) < 9700
    ])
    error_message = "Sizes: ${jsonencode([for document in [data.aws_iam_policy_document.capture, data.aws_iam_policy_document.replay, data.aws_iam_policy_document.upkeep] : length(jsonencode([for statement in document.statement : { Sid = statement.sid, Effect = "Allow", Action = statement.actions, Resource = statement.resources, Condition = statement.condition }]))])}"
  }
}

run "a_customer_key_is_used_only_through_the_services_that_hold_the_data" {
  module {
    source = "./modules/change-pipeline"
  }

  variables {
    kms_key_arn = "arn:aws:kms:us-east-1:123456789012:key/demo"
  }

  assert {
    condition = {
      for role, document in { capture = data.aws_iam_policy_document.capture, replay = data.aws_iam_policy_document.replay, upkeep = data.aws_iam_policy_document.upkeep } :
      role => [for statement in document.statement : "${join(" ", sort(statement.actions))} ${one(statement.resources)} ${one(statement.condition).variable} ${join(" ", sort(one(statement.condition).values))}" if statement.sid == "UseTheKey"]
      } == {
      capture = ["kms:Decrypt kms:GenerateDataKey arn:aws:kms:us-east-1:123456789012:key/demo kms:ViaService dynamodb.us-east-1.amazonaws.com lambda.us-east-1.amazonaws.com s3.us-east-1.amazonaws.com sqs.us-east-1.amazonaws.com"]
      replay  = ["kms:Decrypt kms:GenerateDataKey arn:aws:kms:us-east-1:123456789012:key/demo kms:ViaService dynamodb.us-east-1.amazonaws.com lambda.us-east-1.amazonaws.com s3.us-east-1.amazonaws.com sqs.us-east-1.amazonaws.com"]
      upkeep  = ["kms:Decrypt kms:GenerateDataKey arn:aws:kms:us-east-1:123456789012:key/demo kms:ViaService dynamodb.us-east-1.amazonaws.com lambda.us-east-1.amazonaws.com s3.us-east-1.amazonaws.com sqs.us-east-1.amazonaws.com"]
    }
    error_message = "Statements: ${jsonencode([data.aws_iam_policy_document.capture.statement, data.aws_iam_policy_document.replay.statement, data.aws_iam_policy_document.upkeep.statement])}"
  }

  assert {
    condition     = aws_sqs_queue.buffer.kms_master_key_id == "arn:aws:kms:us-east-1:123456789012:key/demo" && aws_sqs_queue.dead_letters.kms_master_key_id == "arn:aws:kms:us-east-1:123456789012:key/demo" && local.capture_function.kms_key_arn == "arn:aws:kms:us-east-1:123456789012:key/demo" && local.replay_function.kms_key_arn == "arn:aws:kms:us-east-1:123456789012:key/demo" && local.upkeep_function.kms_key_arn == "arn:aws:kms:us-east-1:123456789012:key/demo"
    error_message = "Keys: ${jsonencode([aws_sqs_queue.buffer.kms_master_key_id, aws_sqs_queue.dead_letters.kms_master_key_id, local.capture_function.kms_key_arn, local.replay_function.kms_key_arn, local.upkeep_function.kms_key_arn])}"
  }
}

run "keys_of_the_tables_may_only_decrypt_and_only_through_dynamodb" {
  module {
    source = "./modules/change-pipeline"
  }

  variables {
    table_kms_key_arns = ["arn:aws:kms:us-east-1:123456789012:key/orders"]
  }

  assert {
    condition = [
      for statement in concat(data.aws_iam_policy_document.capture.statement, data.aws_iam_policy_document.replay.statement, data.aws_iam_policy_document.upkeep.statement) :
      "${statement.sid} ${join(" ", statement.actions)} ${one(statement.resources)} ${one(one(statement.condition).values)}" if anytrue([for action in statement.actions : startswith(action, "kms:")])
      ] == [
      "ReadEncryptedChanges kms:Decrypt arn:aws:kms:us-east-1:123456789012:key/orders dynamodb.us-east-1.amazonaws.com",
      "UseEncryptedTables kms:Decrypt arn:aws:kms:us-east-1:123456789012:key/orders dynamodb.us-east-1.amazonaws.com",
      "UseEncryptedTables kms:Decrypt arn:aws:kms:us-east-1:123456789012:key/orders dynamodb.us-east-1.amazonaws.com",
    ]
    error_message = "Statements: ${jsonencode([data.aws_iam_policy_document.capture.statement, data.aws_iam_policy_document.replay.statement, data.aws_iam_policy_document.upkeep.statement])}"
  }
}
