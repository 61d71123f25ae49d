# What the worker is told about each restore: which settings, and what is otherwise for some.
locals {
  # All settings there are, in the order in which they are applied, and all that is looked for: `make catalog` writes both files.
  catalogue = {
    settings = jsondecode(file("${path.module}/settings.json"))
    findings = jsondecode(file("${path.module}/findings.json"))
  }

  # Off is what is bought: throughput, and copies of the table.
  setting_defaults = { for setting in local.catalogue.settings : setting.name => setting.default }
  known_settings   = keys(local.setting_defaults)

  # What builds on another setting is not applied, or makes the other one itself, as long as that is held: triggers attach to
  # the stream, its resource policy too, and replicas take auto scaling and have AWS switch a stream on.
  builds_on = {
    for setting in local.known_settings :
    setting => [for other in local.catalogue.settings : other.name if contains(other.builds_on, setting)]
  }

  finding_defaults = { for finding in local.catalogue.findings : finding.name => finding.default }
  known_findings   = keys(local.finding_defaults)

  # What is not named, or null, has its default.
  settings = {
    for setting, default in local.setting_defaults :
    setting => coalesce(lookup(var.settings, setting, null), default)
  }
  findings = {
    for finding, default in local.finding_defaults :
    finding => coalesce(lookup(var.findings, finding, null), default)
  }

  # What protects the table, unless somebody chose: whoever may tag the source could leave the target without it.
  control_tag_excludes = (
    var.control_tag_excludes == null
    ? [for setting in local.catalogue.settings : setting.name if !setting.tag_decides]
    : distinct(var.control_tag_excludes)
  )

  # A drill gets what describes the table, and nothing that costs, protects or acts outside: who makes drills deletes their
  # tables, with DeleteTable alone, and nothing may be left of them then. AWS Backup's restore tests are drills by themselves.
  drills = {
    targets = distinct(var.drill_patterns)
    keeps   = sort([for setting in local.catalogue.settings : setting.name if setting.kept_by_drills])
  }

  # What says nothing is left out.
  overrides = [
    for override in var.overrides : {
      for attribute, value in {
        source       = override.source == "*" ? null : override.source
        target       = override.target == "*" ? null : override.target
        requested_by = override.requested_by == "*" ? null : override.requested_by
        settings     = length(override.settings) == 0 ? null : { for setting, enabled in override.settings : setting => enabled if enabled != null }
        hold         = length(override.hold) == 0 ? null : override.hold
        follow       = override.follow ? null : false
        replay       = override.replay
        notify       = override.notify
        polling      = override.polling == null ? null : { for number, value in override.polling : number => value if value != null }
      } : attribute => value if value != null
    }
  ]

  # Permissions are for what is on for any restore.
  switched_on = {
    for setting, enabled in local.settings :
    setting => enabled || anytrue([for override in var.overrides : coalesce(lookup(override.settings, setting, null), false)])
  }

  # The numbers that a restore under each override is followed by.
  override_polling = [
    for override in var.overrides : {
      for number, value in var.polling : number => coalesce(try(override.polling[number], null), value)
    }
  ]

  # The region of the deployment is among them where several deployments share their variables.
  source_regions = [for region in distinct(var.source_regions) : region if region != local.region]
}
