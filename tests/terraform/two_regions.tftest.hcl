# One account, several deployments: IAM names are shared by all regions, all other names by one region. A clash shows
# only when the second deployment is applied.

mock_provider "aws" {
  alias  = "virginia"
  source = "./tests/terraform/mocks"
}

mock_provider "aws" {
  alias  = "ireland"
  source = "./tests/terraform/mocks"

  override_data {
    target = module.ireland.module.restore_worker[0].data.aws_region.current
    values = { id = "eu-west-1" }
  }

  override_data {
    target = module.ireland.module.restore_events[0].data.aws_region.current
    values = { id = "eu-west-1" }
  }

  override_data {
    target = module.ireland.module.notifications[0].data.aws_region.current
    values = { id = "eu-west-1" }
  }

  override_data {
    target = module.ireland.module.reconciler[0].data.aws_region.current
    values = { id = "eu-west-1" }
  }

  override_data {
    target = module.ireland.module.trail[0].data.aws_region.current
    values = { id = "eu-west-1" }
  }

  override_resource {
    target = module.ireland.module.notifications[0].aws_sns_topic.notifications
    values = { arn = "arn:aws:sns:eu-west-1:123456789012:mocked" }
  }
}

run "two_regions_and_two_names_do_not_clash" {
  module {
    source = "./tests/terraform/fixtures/two-regions"
  }

  providers = {
    aws.virginia = aws.virginia
    aws.ireland  = aws.ireland
  }

  variables {
    name = "demo"
  }

  assert {
    condition = output.role_names == {
      virginia = ["demo-restore-worker-us-east-1", "demo-operator-us-east-1", "demo-reconciler-us-east-1"]
      ireland  = ["demo-restore-worker-eu-west-1", "demo-operator-eu-west-1", "demo-reconciler-eu-west-1"]
      second   = ["demo-second-restore-worker-us-east-1", "demo-second-operator-us-east-1", "demo-second-reconciler-us-east-1"]
    }
    error_message = "Roles: ${jsonencode(output.role_names)}"
  }

  assert {
    condition     = length(distinct(output.bucket_names)) == 3
    error_message = "Buckets: ${join(", ", output.bucket_names)}"
  }

  assert {
    condition     = length(distinct(output.names_in_virginia)) == 30
    error_message = "Names: ${join(", ", output.names_in_virginia)}"
  }
}
