# Whatever lies in the restore queue is acted upon with all that the worker may do, and what lies in the DLQ comes there by a
# redrive. In one account a caller's own policy is enough to send, so the queues' policies say who may, and deny the rest.
# Whether they do is evaluated in tests/hazards/test_messages_that_anybody_may_send.py, as they are written here, and in
# tests/local/test_permissions.py, as they are applied.

mock_provider "aws" {
  source = "./tests/terraform/mocks"
}

variables {
  name    = "demo"
  senders = { worker = "arn:aws:iam::123456789012:role/demo-restore-worker", reconciler = "arn:aws:iam::123456789012:role/demo-reconciler" }
}

override_resource {
  target = aws_sqs_queue.restores
  values = { arn = "arn:aws:sqs:us-east-1:123456789012:demo-restores" }
}

override_resource {
  target = aws_sqs_queue.dead_letters
  values = { arn = "arn:aws:sqs:us-east-1:123456789012:demo-restores-dlq" }
}

run "besides_the_rules_only_who_is_named_sends" {
  module {
    source = "./modules/restore-events"
  }

  variables {
    redrivers = ["arn:aws:iam::123456789012:role/on-call", "arn:aws:iam::123456789012:user/jane"]
  }

  assert {
    condition = {
      for queue, document in data.aws_iam_policy_document.queue : queue => [
        for statement in document.statement : {
          effect  = statement.effect
          actions = join(" ", statement.actions)
          who     = "${one(statement.principals).type} ${one(one(statement.principals).identifiers)}"
          unless  = { for condition in statement.condition : "${condition.test} ${condition.variable}" => join(" ", sort(condition.values)) }
        } if statement.sid == "NobodyElseSends"
      ]
      } == {
      restores = [{
        effect  = "Deny"
        actions = "sqs:SendMessage"
        who     = "* *"
        unless = {
          "Bool aws:PrincipalIsAWSService"      = "false"
          "ArnNotLikeIfExists aws:PrincipalArn" = "arn:aws:iam::123456789012:role/demo-reconciler arn:aws:iam::123456789012:role/on-call arn:aws:iam::123456789012:user/jane"
        }
      }]
      dead_letters = [{
        effect  = "Deny"
        actions = "sqs:SendMessage"
        who     = "* *"
        unless = {
          "Bool aws:PrincipalIsAWSService"      = "false"
          "ArnNotLikeIfExists aws:PrincipalArn" = "arn:aws:iam::123456789012:role/demo-restore-worker"
        }
      }]
    }
    error_message = "Statements: ${jsonencode([for document in data.aws_iam_policy_document.queue : document.statement])}"
  }
}

run "without_a_reconciler_and_redrivers_nobody_but_the_rules_sends" {
  module {
    source = "./modules/restore-events"
  }

  variables {
    senders = { worker = "arn:aws:iam::123456789012:role/demo-restore-worker" }
  }

  # A condition without a value would make no policy that SQS takes.
  assert {
    condition = flatten([
      for statement in data.aws_iam_policy_document.queue["restores"].statement :
      [for condition in statement.condition : "${condition.test} ${condition.variable}"] if statement.sid == "NobodyElseSends"
    ]) == ["Bool aws:PrincipalIsAWSService"]
    error_message = "Statements: ${jsonencode(data.aws_iam_policy_document.queue["restores"].statement)}"
  }
}

run "the_command_to_redrive_names_where_to" {
  module {
    source = "./modules/restore-events"
  }

  variables {
    redrivers = ["arn:aws:iam::123456789012:role/on-call"]
  }

  assert {
    condition     = output.redrive_command == "aws sqs start-message-move-task --region us-east-1 --source-arn arn:aws:sqs:us-east-1:123456789012:demo-restores-dlq --destination-arn arn:aws:sqs:us-east-1:123456789012:demo-restores"
    error_message = "Command: ${output.redrive_command}"
  }
}

run "there_is_no_command_that_nobody_may_use" {
  module {
    source = "./modules/restore-events"
  }

  assert {
    condition     = output.redrive_command == null
    error_message = "Command: ${jsonencode(output.redrive_command)}"
  }
}

run "the_root_names_its_own_functions_and_the_redrivers" {
  variables {
    redrivers = ["arn:aws:iam::123456789012:role/on-call"]
  }

  assert {
    condition     = endswith(output.commands.redrive, ":mocked --destination-arn arn:aws:sqs:us-east-1:123456789012:mocked")
    error_message = "Command: ${jsonencode(output.commands.redrive)}"
  }
}

run "a_path_and_a_pattern_in_the_name_may_be_given" {
  command = plan

  module {
    source = "./modules/restore-events"
  }

  variables {
    redrivers = ["arn:aws:iam::123456789012:role/aws-reserved/sso.amazonaws.com/*/AWSReservedSSO_OnCall_*"]
  }
}

run "every_role_is_no_redriver" {
  command = plan

  module {
    source = "./modules/restore-events"
  }

  variables {
    redrivers = ["arn:aws:iam::123456789012:role/*"]
  }

  expect_failures = [var.redrivers]
}

run "everybody_is_no_redriver" {
  command = plan

  module {
    source = "./modules/restore-events"
  }

  variables {
    redrivers = ["*"]
  }

  expect_failures = [var.redrivers]
}

# A session's ARN is not what AWS compares: it compares the role's.
run "a_session_is_no_redriver" {
  command = plan

  module {
    source = "./modules/restore-events"
  }

  variables {
    redrivers = ["arn:aws:sts::123456789012:assumed-role/on-call/jane"]
  }

  expect_failures = [var.redrivers]
}

# That role would be let in here and refused by SQS, which asks for an Allow where accounts differ.
run "a_role_of_another_account_is_no_redriver" {
  command = plan

  module {
    source = "./modules/restore-events"
  }

  variables {
    redrivers = ["arn:aws:iam::210987654321:role/on-call"]
  }

  expect_failures = [var.redrivers]
}

run "the_account_is_no_redriver" {
  command = plan

  module {
    source = "./modules/restore-events"
  }

  variables {
    redrivers = ["arn:aws:iam::123456789012:root"]
  }

  expect_failures = [var.redrivers]
}
