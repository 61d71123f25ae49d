# The source table as it is now. It may be gone: deleting it is the next step after a cutover, and every later plan, the
# one of a destroy too, still comes here until the table is taken out of the change pipelines.

# Asked only where the caller has not said which stream to read. A list, because looking up a table that is not there is
# an error.
data "aws_dynamodb_tables" "all" {
  count = local.look_up_stream ? 1 : 0
}

data "aws_dynamodb_table" "source" {
  count = local.look_up_stream && local.source_exists ? 1 : 0

  name = var.table

  lifecycle {
    # A stream that was switched off keeps its ARN for a day, and nothing more comes through it.
    postcondition {
      condition     = self.stream_enabled
      error_message = "Table ${var.table} has no stream, so its changes cannot be captured: enable one, of any view type (aws dynamodb update-table --table-name ${var.table} --stream-specification StreamEnabled=true,StreamViewType=NEW_AND_OLD_IMAGES, or stream_enabled and stream_view_type of aws_dynamodb_table), or take the table out of the pipelines."
    }
  }
}

# The pipeline of a table that is gone stays as the last apply registered it. Where there is no registration either, this
# fails: the table never was there, as the check below says.
data "aws_dynamodb_table_item" "last_registration" {
  count = local.source_exists ? 0 : 1

  table_name = var.binding.restore_table.name
  key        = jsonencode({ pk = { S = local.own_records }, sk = { S = "registration" } })
}

locals {
  # Only where it is looked up: a name that is not known yet would make this unknown.
  source_exists = local.look_up_stream ? contains(flatten(data.aws_dynamodb_tables.all[*].names), var.table) : true

  last_registration = local.source_exists ? null : jsondecode(one(data.aws_dynamodb_table_item.last_registration[*].item))

  stream_arn = (
    !local.look_up_stream ? var.stream.arn :
    local.source_exists ? one(data.aws_dynamodb_table.source[*].stream_arn) :
    local.last_registration.stream_arn.S
  )
  stream_view_type = !local.look_up_stream ? var.stream.view_type : one(data.aws_dynamodb_table.source[*].stream_view_type)
  stream_has_new_images = (
    local.source_exists
    ? contains(["NEW_IMAGE", "NEW_AND_OLD_IMAGES"], local.stream_view_type)
    : local.last_registration.stream_has_new_images.BOOL
  )

  # Null where the table has no time to live, or where nobody says which attribute it is.
  ttl_attribute = (
    var.ttl_attribute != null ? var.ttl_attribute :
    local.source_exists ? try(one([for ttl in data.aws_dynamodb_table.source[0].ttl : ttl.attribute_name if ttl.enabled]), null) :
    try(local.last_registration.ttl_attribute.S, null)
  )
}

check "source_table" {
  assert {
    condition     = local.source_exists
    error_message = "Table ${var.table} does not exist. If it was deleted after its cutover, take it out of the change pipelines and apply: nothing else of the deployment changes. If it is yet to be made, make it first, or give its stream."
  }
}
