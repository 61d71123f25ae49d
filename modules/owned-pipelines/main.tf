locals {
  # Upkeep notes each owner anew with each run, at least once an hour. What nobody has noted for hours is left over from a
  # pipeline that is gone.
  noted_for = "3h"
}

# A plan that would take a change pipeline away from a restore, or replace what it captures with, says so. It warns and does
# not end the plan: what the functions noted is a hint, an hour old at most, and a person may want it so.
check "owned_pipelines" {
  # In the check, so that an item which cannot be read is a warning too. Only the check may use it, hence what follows is
  # written out in each message.
  data "aws_dynamodb_table_item" "owned" {
    table_name = var.item.table_name
    key        = var.item.key
  }

  assert {
    condition = alltrue([
      for source, note in jsondecode(data.aws_dynamodb_table_item.owned.item).owned.M :
      contains(keys(var.pipelines), source)
      # Those of other configurations are for others to look after.
      if note.M.in_root_module.BOOL && timecmp(timeadd(note.M.noted_at.S, local.noted_for), plantimestamp()) > 0
    ])
    error_message = "Restores own change pipelines that are no longer in the configuration: ${join(", ", [
      for source, note in jsondecode(data.aws_dynamodb_table_item.owned.item).owned.M :
      "${source} (into ${note.M.target.S})" if !contains(keys(var.pipelines), source) && note.M.in_root_module.BOOL && timecmp(timeadd(note.M.noted_at.S, local.noted_for), plantimestamp()) > 0
    ])}. Applied, this destroys their buffers with the changes that are not replayed yet. Put them back, and cut over or abandon these restores first, until the operator action status says idle."
  }

  assert {
    condition = alltrue([
      for source, note in jsondecode(data.aws_dynamodb_table_item.owned.item).owned.M :
      try(var.pipelines[source].stream_arn == note.M.stream_arn.S, true)
      if timecmp(timeadd(note.M.noted_at.S, local.noted_for), plantimestamp()) > 0
    ])
    error_message = "Restores own change pipelines whose source has another stream now, so that their capture mappings are replaced: ${join(", ", [
      for source, note in jsondecode(data.aws_dynamodb_table_item.owned.item).owned.M :
      "${source} (into ${note.M.target.S})" if try(var.pipelines[source].stream_arn != note.M.stream_arn.S, false) && timecmp(timeadd(note.M.noted_at.S, local.noted_for), plantimestamp()) > 0
    ])}. What capture has not read of the old stream is then lost to these restores. Apply once it has read it to its end: status says so."
  }
}
