# The rule decides what is followed at all. A wrong pattern is silent: nothing arrives, or failed calls do.

mock_provider "aws" {
  source = "./tests/terraform/mocks"
}

variables {
  name = "demo"
}

run "the_rule_takes_successful_restore_calls_and_nothing_else" {
  module {
    source = "./modules/restore-events"
  }

  assert {
    condition = jsondecode(aws_cloudwatch_event_rule.restore_requested.event_pattern) == {
      source      = ["aws.dynamodb"]
      detail-type = ["AWS API Call via CloudTrail"]
      detail = {
        eventSource = ["dynamodb.amazonaws.com"]
        eventName   = ["RestoreTableToPointInTime"]
        errorCode   = [{ exists = false }]
      }
    }
    error_message = "Event pattern: ${aws_cloudwatch_event_rule.restore_requested.event_pattern}"
  }

  assert {
    condition     = aws_cloudwatch_event_target.restore_queue.rule == "demo-restore-requested" && aws_cloudwatch_event_target.restore_queue.target_id == "restore-queue"
    error_message = "Target ${aws_cloudwatch_event_target.restore_queue.target_id} is on rule ${aws_cloudwatch_event_target.restore_queue.rule}"
  }

  assert {
    condition     = output.rehearse_command == null
    error_message = "Without an event source of one's own nothing can be rehearsed, and the output says: ${jsonencode(output.rehearse_command)}"
  }
}

run "extra_event_sources_stand_beside_aws_dynamodb" {
  module {
    source = "./modules/restore-events"
  }

  variables {
    event_sources = ["com.example.rehearsal", "com.example.replay"]
  }

  assert {
    condition     = jsondecode(aws_cloudwatch_event_rule.restore_requested.event_pattern).source == ["aws.dynamodb", "com.example.rehearsal", "com.example.replay"]
    error_message = "Event pattern: ${aws_cloudwatch_event_rule.restore_requested.event_pattern}"
  }

  assert {
    condition     = startswith(output.rehearse_command, "aws events put-events --region us-east-1 --entries '[{")
    error_message = "Command: ${output.rehearse_command}"
  }

  # What the command puts on the bus must be what the rule takes.
  assert {
    condition = jsondecode(trimsuffix(trimprefix(output.rehearse_command, "aws events put-events --region us-east-1 --entries '"), "'")) == [{
      Source     = "com.example.rehearsal"
      DetailType = "AWS API Call via CloudTrail"
      Detail     = "{\"awsRegion\":\"us-east-1\",\"eventID\":\"EVENT_ID\",\"eventName\":\"RestoreTableToPointInTime\",\"eventSource\":\"dynamodb.amazonaws.com\",\"eventTime\":\"EVENT_TIME\",\"recipientAccountId\":\"123456789012\",\"requestParameters\":{\"sourceTableName\":\"SOURCE_TABLE\",\"targetTableName\":\"TARGET_TABLE\",\"useLatestRestorableTime\":true}}"
    }]
    error_message = "Command: ${output.rehearse_command}"
  }
}
