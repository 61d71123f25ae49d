locals {
  # Upkeep notes each owner anew with each run, at least once an hour. What nobody has noted for hours is left over from a
  # pipeline that is gone.
  noted_for = "3h"

  owned = {
    for source, note in jsondecode(var.item).owned.M : source => {
      target         = note.M.target.S
      stream_arn     = note.M.stream_arn.S
      in_root_module = note.M.in_root_module.BOOL
    } if timecmp(timeadd(note.M.noted_at.S, local.noted_for), plantimestamp()) > 0
  }

  # Those of other configurations are for others to look after.
  taken_away = [
    for source, owner in local.owned : "${source} (into ${owner.target})"
    if owner.in_root_module && !contains(keys(var.pipelines), source)
  ]
  replaced = [
    for source, owner in local.owned : "${source} (into ${owner.target})"
    if try(var.pipelines[source].stream_arn, owner.stream_arn) != owner.stream_arn
  ]
}

# A plan that would take a change pipeline away from a restore, or replace what it captures with, says so. It warns and does
# not end the plan: what the functions noted is a hint, an hour old at most, and a person may want it so.
check "owned_pipelines" {
  assert {
    condition     = length(local.taken_away) == 0
    error_message = "Restores own change pipelines that are no longer in the configuration: ${join(", ", local.taken_away)}. Applied, this destroys their buffers with the changes that are not replayed yet. Put them back, and cut over or abandon these restores first, until the operator action status says idle."
  }

  assert {
    condition     = length(local.replaced) == 0
    error_message = "Restores own change pipelines whose source has another stream now, so that their capture mappings are replaced: ${join(", ", local.replaced)}. What capture has not read of the old stream is then lost to these restores. Apply once it has read it to its end: once the operator action status has shown the same number of captured changes for some minutes."
  }
}
