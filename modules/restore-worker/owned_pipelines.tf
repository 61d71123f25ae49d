# Which change pipelines restores own right now, for the plan to read: modules/owned-pipelines warns where the configuration
# would take one away or replace it. The claims of the pipelines are the truth; this is a hint that the functions write beside
# them (lambda_src/dynamodb_restore/pipeline/owned.py).
#
# Made by Terraform, and only changed by the functions: what they wrote is in the resource after each refresh. So no plan has to
# read it with a data source, which would be an error where it is not there, and in a check a plan that is never empty: Terraform
# always plans to read it again with the apply (developer.hashicorp.com/terraform/language/checks).
resource "aws_dynamodb_table_item" "owned_pipelines" {
  table_name = aws_dynamodb_table.restores.name
  hash_key   = aws_dynamodb_table.restores.hash_key
  range_key  = aws_dynamodb_table.restores.range_key

  item = jsonencode({
    pk    = { S = "pipelines" }
    sk    = { S = "owned" }
    owned = { M = {} }
  })

  lifecycle {
    # What the functions have written since.
    ignore_changes = [item]
  }
}
