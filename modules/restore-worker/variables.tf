variable "name" {
  description = "Prefix of every name: at most 24 lower-case letters, digits and single hyphens."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9]+(-[a-z0-9]+)*$", var.name)) && length(var.name) <= 24
    error_message = "The name \"${var.name}\" does not fit everything that is made: set name to at most 24 lower-case letters, digits and single hyphens between them."
  }
}

variable "tags" {
  description = "Tags for everything that can be tagged. The tag `dynamodb-restore`, with the name as its value, is added."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "settings" {
  description = <<-EOT
    Which settings of the source table the restored one gets, by name: true or false. What is not named has its default.
    A setting that is on nowhere, neither here nor in `overrides`, is not written, and the roles have no
    permission for it.
    All are on by default but `warm_throughput`, `replicas`, `encryption` and `billing_mode`, which cost by the amount, by the copy, by
    the request and by the mode. What differs in `encryption`, `billing_mode` and `indexes` is reported also where they are off.
    docs/settings.md lists them.
  EOT
  type        = map(bool)
  default     = {}
  nullable    = false

  # A map, because an object type would drop a misspelled attribute silently.
  validation {
    condition     = alltrue([for setting in keys(var.settings) : contains(local.known_settings, setting)])
    error_message = "There is no such setting: ${join(", ", [for setting in keys(var.settings) : "\"${setting}\"" if !contains(local.known_settings, setting)])}. Name in settings only: ${join(", ", local.known_settings)}."
  }
}

variable "overrides" {
  description = <<-EOT
    Restores that are treated otherwise than the rest. The first entry whose patterns match both tables holds, for what it
    names; all else is as everywhere.
    - `source`, `target`: table names with `*` for any run of characters.
    - `requested_by`: who made the restore call, as its event names them: the ARN of a user, or of a role's session
      (`arn:aws:sts::*:assumed-role/operators/*`); of AWS Backup's jobs their role. Nothing but `*` matches a direct invocation, or a
      restore whose event never came, so let what is for all be the narrow treatment, and name those who get more before it.
    - `settings`: switches, as in `settings`.
    - `hold`: settings that are kept on record, reported as held and not applied, until an operator releases them (`release`),
      such as `["ttl"]` for a restore that is to bring back what time to live has deleted.
    - `follow`: false leaves these restores alone.
    - `replay`: false keeps them from taking the source's change pipeline.
    - `notify`: false keeps them from the notification topic; the event bus gets every report.
    - `polling`: how long they are followed; `max_attempts` at most as many as everywhere.
  EOT
  type = list(object({
    source       = optional(string, "*")
    target       = optional(string, "*")
    requested_by = optional(string, "*")
    settings     = optional(map(bool), {})
    hold         = optional(set(string), [])
    follow       = optional(bool, true)
    replay       = optional(bool)
    notify       = optional(bool)
    polling = optional(object({
      max_attempts       = optional(number)
      base_delay_seconds = optional(number)
      backoff_rate       = optional(number)
      max_delay_seconds  = optional(number)
      jitter             = optional(number)
    }))
  }))
  default  = []
  nullable = false

  validation {
    condition     = alltrue(flatten([for override in var.overrides : [for setting in keys(override.settings) : contains(local.known_settings, setting)]]))
    error_message = "There is no such setting: ${join(", ", flatten([for index, override in var.overrides : [for setting in keys(override.settings) : "\"${setting}\" in overrides[${index}]" if !contains(local.known_settings, setting)]]))}. Name in the settings of an override only: ${join(", ", local.known_settings)}."
  }

  validation {
    condition     = alltrue(flatten([for override in var.overrides : [for setting in override.hold : contains(local.known_settings, setting)]]))
    error_message = "There is no such setting: ${join(", ", flatten([for index, override in var.overrides : [for setting in override.hold : "\"${setting}\" in overrides[${index}]" if !contains(local.known_settings, setting)]]))}. Name in the hold of an override only: ${join(", ", local.known_settings)}."
  }

  # The roles have no permission for a setting that is off everywhere, so it cannot be released later either.
  validation {
    condition     = alltrue(flatten([for override in var.overrides : [for setting in override.hold : coalesce(lookup(override.settings, setting, null), true) && anytrue(concat([lookup(local.settings, setting, true)], [for each in var.overrides : coalesce(lookup(each.settings, setting, null), false)]))]]))
    error_message = "A setting is held that is switched off, so that there would be nothing to release: ${join(", ", flatten([for index, override in var.overrides : [for setting in override.hold : "\"${setting}\" in overrides[${index}]" if !(coalesce(lookup(override.settings, setting, null), true) && anytrue(concat([lookup(local.settings, setting, true)], [for each in var.overrides : coalesce(lookup(each.settings, setting, null), false)])))]]))}. Switch it on in the settings of the override or of the deployment, or take it out of hold."
  }

  validation {
    condition     = alltrue(flatten([for override in var.overrides : [for setting in override.hold : [for other in lookup(local.builds_on, setting, []) : contains(override.hold, other) || !coalesce(lookup(override.settings, other, null), local.settings[other])]]]))
    error_message = "A setting is held and another that builds on it is not: ${join(", ", flatten([for index, override in var.overrides : [for setting in override.hold : [for other in lookup(local.builds_on, setting, []) : "\"${other}\" without \"${setting}\" in overrides[${index}]" if !(contains(override.hold, other) || !coalesce(lookup(override.settings, other, null), local.settings[other]))]]]))}. Hold both, or switch the one off that builds on the other."
  }

  validation {
    condition     = alltrue(flatten([for override in var.overrides : [for pattern in [override.source, override.target] : can(regex("^[A-Za-z0-9_.*-]{1,255}$", pattern)) && !strcontains(pattern, "**")]]))
    error_message = "A table pattern is empty, too long, has an illegal character or two * beside each other: ${join(", ", flatten([for index, override in var.overrides : [for pattern in [override.source, override.target] : "\"${pattern}\" in overrides[${index}]" if !can(regex("^[A-Za-z0-9_.*-]{1,255}$", pattern)) || strcontains(pattern, "**")]]))}. Use up to 255 letters, digits, _, ., - and single * as the wildcard, or leave source or target out for all tables."
  }

  validation {
    condition     = alltrue([for override in var.overrides : can(regex("^[A-Za-z0-9_.:/=,@+*-]{1,300}$", override.requested_by)) && !strcontains(override.requested_by, "**")])
    error_message = "A requested_by is empty, too long, has an illegal character or two * beside each other: ${join(", ", [for index, override in var.overrides : "\"${override.requested_by}\" in overrides[${index}]" if !can(regex("^[A-Za-z0-9_.:/=,@+*-]{1,300}$", override.requested_by)) || strcontains(override.requested_by, "**")])}. Use the ARN of a user or of a role's session, with single * as the wildcard."
  }

  validation {
    condition     = alltrue([for override in var.overrides : override.follow || (length(override.settings) == 0 && length(override.hold) == 0 && override.polling == null && override.replay == null && override.notify == null)])
    error_message = "An override sets follow to false and also has other attributes, which would have no effect: ${join(", ", [for index, override in var.overrides : "overrides[${index}]" if !override.follow && !(length(override.settings) == 0 && length(override.hold) == 0 && override.polling == null && override.replay == null && override.notify == null)])}. Take settings, hold, polling, replay and notify out of it, or take follow = false out."
  }

  # What a pattern matches is all among what an earlier one matches, if the earlier one matches its very text: a * in the
  # text stands for any run of characters, and nothing but a * of the earlier pattern takes it.
  validation {
    condition = alltrue(flatten([
      for later, override in var.overrides : [
        for earlier in slice(var.overrides, 0, later) :
        !can(regex("^${replace(replace(earlier.source, ".", "\\."), "*", ".*")}$", override.source)) ||
        !can(regex("^${replace(replace(earlier.target, ".", "\\."), "*", ".*")}$", override.target)) ||
        !can(regex("^${replace(replace(replace(earlier.requested_by, ".", "\\."), "+", "\\+"), "*", ".*")}$", override.requested_by))
      ]
    ]))
    error_message = "An override can never match, because an earlier one matches all that it would: ${join(", ", flatten([for later, override in var.overrides : [for index, earlier in slice(var.overrides, 0, later) : "overrides[${later}] (\"${override.source}\" to \"${override.target}\") after overrides[${index}] (\"${earlier.source}\" to \"${earlier.target}\")" if can(regex("^${replace(replace(earlier.source, ".", "\\."), "*", ".*")}$", override.source)) && can(regex("^${replace(replace(earlier.target, ".", "\\."), "*", ".*")}$", override.target)) && can(regex("^${replace(replace(replace(earlier.requested_by, ".", "\\."), "+", "\\+"), "*", ".*")}$", override.requested_by))]]))}. The first match wins: put the narrower one first, or take it out."
  }

  # A name without a wildcard can be compared with the patterns. Whether two patterns share a name cannot be decided here.
  validation {
    condition = alltrue(flatten([
      for override in var.overrides : [
        for kind in ["source", "target"] :
        anytrue([for pattern in local.table_patterns[kind] : can(regex("^${replace(replace(pattern, ".", "\\."), "*", ".*")}$", override[kind]))]) if !strcontains(override[kind], "*")
      ]
    ]))
    error_message = "No restore of these tables is followed, because no pattern in table_patterns matches them: ${join(", ", flatten([for index, override in var.overrides : [for kind in ["source", "target"] : "${kind} \"${override[kind]}\" in overrides[${index}]" if !strcontains(override[kind], "*") && !anytrue([for pattern in local.table_patterns[kind] : can(regex("^${replace(replace(pattern, ".", "\\."), "*", ".*")}$", override[kind]))])]]))}. Add a pattern to table_patterns, or take the override out."
  }

  # What an override leaves out comes from polling, and is held against what it says.

  # The queue's own redrive is set by the deployment's attempts, and would end a restore that is to be followed longer.
  validation {
    condition = alltrue([
      for attempts in [for override in var.overrides : coalesce(try(override.polling.max_attempts, null), var.polling.max_attempts)] :
      attempts >= 2 && attempts <= var.polling.max_attempts && floor(attempts) == attempts
    ])
    error_message = "An override's polling.max_attempts is not a whole number from 2 to the deployment's ${var.polling.max_attempts}, after which the queue itself gives up: ${join(", ", [for index, override in var.overrides : "${override.polling.max_attempts} in overrides[${index}]" if try(override.polling.max_attempts < 2 || override.polling.max_attempts > var.polling.max_attempts || floor(override.polling.max_attempts) != override.polling.max_attempts, false)])}. Lower it, raise polling.max_attempts for all, or wait longer by max_delay_seconds."
  }

  validation {
    condition = alltrue([
      for delays in [for override in var.overrides : {
        base = coalesce(try(override.polling.base_delay_seconds, null), var.polling.base_delay_seconds)
        max  = coalesce(try(override.polling.max_delay_seconds, null), var.polling.max_delay_seconds)
      }] : delays.base >= 1 && delays.base <= delays.max && delays.max <= 42000
    ])
    error_message = "The delays of an override contradict each other, or SQS, which hides a message for at most 12 hours: ${join(", ", [for index, override in var.overrides : "${jsonencode(override.polling)} in overrides[${index}]" if override.polling != null])}. What is null there comes from polling (base_delay_seconds ${var.polling.base_delay_seconds}, max_delay_seconds ${var.polling.max_delay_seconds}): set base_delay_seconds to at least 1 and at most max_delay_seconds, and that to at most 42000."
  }

  validation {
    condition     = alltrue([for override in var.overrides : try(override.polling.backoff_rate >= 1 && override.polling.backoff_rate <= 10, true)])
    error_message = "An override's polling.backoff_rate is out of bounds: ${join(", ", [for index, override in var.overrides : "${override.polling.backoff_rate} in overrides[${index}]" if try(override.polling.backoff_rate < 1 || override.polling.backoff_rate > 10, false)])}. Set it within 1 (no growth) to 10."
  }

  validation {
    condition     = alltrue([for override in var.overrides : try(override.polling.jitter >= 0 && override.polling.jitter <= 1, true)])
    error_message = "An override's polling.jitter is out of bounds: ${join(", ", [for index, override in var.overrides : "${override.polling.jitter} in overrides[${index}]" if try(override.polling.jitter < 0 || override.polling.jitter > 1, false)])}. Set it within 0 (exact delays) to 1 (anything from nothing to the full delay)."
  }
}

variable "attachable" {
  description = <<-EOT
    What may be attached to a restored table, by name (of its own account) or ARN, with `*` for any run of characters. What is
    attached to the source and not admitted here is left out and reported. Whoever may restore a table into a name that they can write
    to feeds what is attached to it: narrow these where such people are not to reach what production has.
    - `functions`: Lambda functions of stream triggers; the name admits its versions and aliases too.
    - `kinesis_streams`: Kinesis streams that get the table's changes; the roles may use no others.
  EOT
  # No object: Terraform drops attributes that an object type does not know, and a misspelt one would admit everything.
  type     = map(list(string))
  default  = {}
  nullable = false

  validation {
    condition     = length(setsubtract(keys(var.attachable), ["functions", "kinesis_streams"])) == 0
    error_message = "attachable has no ${join(", ", [for key in setsubtract(keys(var.attachable), ["functions", "kinesis_streams"]) : "\"${key}\""])}: its keys are functions and kinesis_streams."
  }

  validation {
    condition     = alltrue([for patterns in values(var.attachable) : try(length(patterns) > 0, true)])
    error_message = "An empty list of patterns in attachable would allow nothing: switch the settings stream_triggers or kinesis_destination off instead, or give attachable.functions and attachable.kinesis_streams at least one pattern each."
  }

  validation {
    condition     = alltrue([for pattern in flatten([for patterns in values(var.attachable) : coalesce(patterns, [])]) : can(regex("^(arn:[A-Za-z0-9_.:/*-]{1,300}|[A-Za-z0-9_.*-]{1,140})$", pattern)) && !strcontains(pattern, "**")])
    error_message = "A pattern of attachable is empty, too long, has an illegal character or two * beside each other: ${join(", ", [for pattern in flatten([for patterns in values(var.attachable) : coalesce(patterns, [])]) : "\"${pattern}\"" if !can(regex("^(arn:[A-Za-z0-9_.:/*-]{1,300}|[A-Za-z0-9_.*-]{1,140})$", pattern)) || strcontains(pattern, "**")])}. Use names of letters, digits, _, ., - and single * as the wildcard, or ARNs."
  }

  # The ARN of another kind of resource admits nothing.
  validation {
    condition = alltrue(flatten([
      for kind, service in local.attachable_services : [
        for pattern in coalesce(lookup(var.attachable, kind, null), []) : can(regex("^arn:([^:]*\\*|[^:]+:([^:]*\\*|${service}:))", pattern)) if startswith(pattern, "arn:")
      ]
    ]))
    error_message = "An ARN in attachable is not of its kind: ${join(", ", flatten([for kind, service in local.attachable_services : [for pattern in coalesce(lookup(var.attachable, kind, null), []) : "\"${pattern}\" in ${kind}" if startswith(pattern, "arn:") && !can(regex("^arn:([^:]*\\*|[^:]+:([^:]*\\*|${service}:))", pattern))]]))}. Give ARNs of Lambda functions in functions, and of Kinesis streams in kinesis_streams."
  }
}

variable "drill_patterns" {
  description = "Names of restored tables that are drills, with `*` for any run of characters; AWS Backup's restore tests are drills without being named. A drill gets what describes the table (docs/settings.md says which settings) and nothing that costs, protects or acts outside, and never takes a change pipeline. An override whose `target` names it goes over it."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for pattern in var.drill_patterns : can(regex("^[A-Za-z0-9_.*-]{1,255}$", pattern)) && !strcontains(pattern, "**")])
    error_message = "A drill pattern is empty, too long, has an illegal character or two * beside each other: ${join(", ", [for pattern in var.drill_patterns : "\"${pattern}\"" if !can(regex("^[A-Za-z0-9_.*-]{1,255}$", pattern)) || strcontains(pattern, "**")])}. Use up to 255 letters, digits, _, ., - and single * as the wildcard."
  }
}

variable "control_tag" {
  description = "Key of a tag on the source table by which its owners choose for themselves: `off` leaves its restores alone; names of settings with a space between them are exactly those that are cloned (`tags ttl`), or, each with a sign, differ from the deployment (`-replicas +warm_throughput`). It stands above `settings` and below `overrides`, does not decide about `control_tag_excludes`, and switches on only what is on somewhere in the deployment. Null heeds no tag."
  type        = string
  default     = "dynamodb-restore:settings"

  validation {
    condition     = var.control_tag == null ? true : can(regex("^[A-Za-z0-9 _.:/=+@-]{1,128}$", var.control_tag)) && !startswith(lower(var.control_tag), "aws:")
    error_message = "control_tag \"${coalesce(var.control_tag, "null")}\" cannot be the key of a tag: use 1 to 128 letters, digits, spaces and _ . : / = + @ -, not beginning with \"aws:\", or null to ignore tags."
  }
}

variable "control_tag_excludes" {
  description = "Settings about which `control_tag` does not decide, because whoever may tag the source table could then leave the restored one unprotected. They stay as `settings` and `overrides` have them, also where the tag says `off`; the report notes what the tag asked for. Null are point-in-time recovery, deletion protection and the resource policy; an empty list lets the tag decide about all."
  type        = list(string)
  default     = null

  validation {
    condition     = alltrue([for setting in coalesce(var.control_tag_excludes, []) : contains(local.known_settings, setting)])
    error_message = "There is no such setting: ${join(", ", [for setting in coalesce(var.control_tag_excludes, []) : "\"${setting}\"" if !contains(local.known_settings, setting)])}. Name in control_tag_excludes only: ${join(", ", local.known_settings)}."
  }
}

variable "follow" {
  description = <<-EOT
    Which kinds of restores are followed. The rules of restore-events narrow the first three; here they decide what the
    worker may ask of.
    - `point_in_time`: restores to a point in time.
    - `backups`: restores from a backup.
    - `backup_jobs`: restore jobs of AWS Backup.
    - `terraform`: restores that Terraform makes (`restore_source_name` and its like). False leaves those tables to the
      configuration that made them.
  EOT
  type = object({
    point_in_time = optional(bool, true)
    backups       = optional(bool, true)
    backup_jobs   = optional(bool, true)
    terraform     = optional(bool, true)
  })
  default  = {}
  nullable = false
}

variable "source_regions" {
  description = "Other regions whose tables may be restored into this one: the roles may read the settings of tables that match `table_patterns.source` there as well."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for region in var.source_regions : can(regex("^[a-z]{2,}(-[a-z]+)+-[0-9]+$", region))])
    error_message = "This is not the name of a region: ${join(", ", [for region in var.source_regions : "\"${region}\"" if !can(regex("^[a-z]{2,}(-[a-z]+)+-[0-9]+$", region))])}. Give source_regions names such as \"eu-west-1\"."
  }
}

variable "findings" {
  description = <<-EOT
    What is looked for and reported, because it names the source table and cannot be cloned, by name: true or false. What is not named
    has its default: searches that read everything of a kind (policies, functions, parameters, state machines, APIs, ingestion
    pipelines) are off.
    docs/settings.md lists them, and docs/costs.md says how many calls they make.
  EOT
  type        = map(bool)
  default     = {}
  nullable    = false

  # A map, because an object type would drop a misspelled attribute silently.
  validation {
    condition     = alltrue([for finding in keys(var.findings) : contains(local.known_findings, finding)])
    error_message = "There is no such search: ${join(", ", [for finding in keys(var.findings) : "\"${finding}\"" if !contains(local.known_findings, finding)])}. Name in findings only: ${join(", ", local.known_findings)}."
  }
}

variable "polling" {
  description = <<-EOT
    How long a restore is followed. After attempt n that finds the table not yet active, the next one comes
    `base_delay_seconds` × `backoff_rate`^(n-1) seconds later, at most `max_delay_seconds`, shortened at random by up to
    the share `jitter` (0 to 1). After `max_attempts` the restore is given up and lands in the secondary DLQ.
    The output `wait` says what the numbers come to; the defaults wait for more than 24 hours.
  EOT
  type = object({
    max_attempts       = optional(number, 990)
    base_delay_seconds = optional(number, 10)
    backoff_rate       = optional(number, 1.5)
    max_delay_seconds  = optional(number, 100)
    jitter             = optional(number, 0.1)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.polling.max_attempts >= 2 && var.polling.max_attempts <= 990 && floor(var.polling.max_attempts) == var.polling.max_attempts
    error_message = "polling.max_attempts is ${var.polling.max_attempts}: set it to a whole number from 2 to 990 (SQS counts at most 1000 receives). To wait longer raise polling.max_delay_seconds."
  }

  validation {
    condition     = var.polling.base_delay_seconds >= 1 && var.polling.base_delay_seconds <= var.polling.max_delay_seconds
    error_message = "polling.base_delay_seconds is ${var.polling.base_delay_seconds}: set it to at least 1 and at most polling.max_delay_seconds (${var.polling.max_delay_seconds})."
  }

  validation {
    condition     = var.polling.backoff_rate >= 1 && var.polling.backoff_rate <= 10
    error_message = "polling.backoff_rate is ${var.polling.backoff_rate}: set it within 1 (no growth) to 10."
  }

  validation {
    condition     = var.polling.max_delay_seconds <= 42000
    error_message = "polling.max_delay_seconds is ${var.polling.max_delay_seconds}: set it to at most 42000, because SQS hides a message for at most 12 hours from its receipt. To wait longer raise polling.max_attempts."
  }

  validation {
    condition     = var.polling.jitter >= 0 && var.polling.jitter <= 1
    error_message = "polling.jitter is ${var.polling.jitter}: set it within 0 (exact delays) to 1 (anything from nothing to the full delay)."
  }
}

variable "table_patterns" {
  description = "The tables that both roles may use, by name, with `*` for any characters. They may read tables that match `source` or `target`, and change tables that match `target`."
  # No object: Terraform drops attributes that an object type does not know, and a misspelt one would mean all tables.
  type     = map(list(string))
  default  = {}
  nullable = false

  validation {
    condition     = length(setsubtract(keys(var.table_patterns), ["source", "target"])) == 0
    error_message = "table_patterns has no ${join(", ", [for key in setsubtract(keys(var.table_patterns), ["source", "target"]) : "\"${key}\""])}: its keys are source (the table restored from) and target (the new table)."
  }

  validation {
    condition     = alltrue([for patterns in values(var.table_patterns) : try(length(patterns) > 0, true)])
    error_message = "An empty list of patterns would match no table: give table_patterns.source and table_patterns.target at least one pattern each, or leave them out for all tables."
  }

  validation {
    condition     = alltrue([for pattern in flatten([for patterns in values(var.table_patterns) : coalesce(patterns, [])]) : can(regex("^[A-Za-z0-9_.*-]{1,255}$", pattern))])
    error_message = "A table pattern is empty, too long or has an illegal character: ${join(", ", [for pattern in flatten([for patterns in values(var.table_patterns) : coalesce(patterns, [])]) : "\"${pattern}\"" if !can(regex("^[A-Za-z0-9_.*-]{1,255}$", pattern))])}. Use up to 255 letters, digits, _, ., - and * as the wildcard."
  }
}

variable "lambda" {
  description = <<-EOT
    The worker function, and the operator function but for `timeout` (300 s) and both concurrencies.
    - `runtime`: python3.12, python3.13 or python3.14 (the last needs an AWS provider that knows it). `architecture`: arm64 or x86_64.
    - `memory_size` in MB, `timeout` in seconds.
    - `maximum_concurrency`: restores worked on at once (2 to 1000). More wait in the queue, and cost no attempt.
    - `reserved_concurrency`: null for none reserved; otherwise at least `maximum_concurrency`.
    - `log_level`, `log_retention_days` (0 for ever), `tracing` (X-Ray).
    - `permissions_boundary`: policy ARN for the roles. `role_path`: their path in IAM, such as `/service/`.
    - `vpc`: `subnet_ids` and `security_group_ids` to run in; null for no VPC. From there every AWS service that the functions
      call must be reachable, through endpoints or NAT.
  EOT
  type = object({
    runtime              = optional(string, "python3.13")
    architecture         = optional(string, "arm64")
    memory_size          = optional(number, 256)
    timeout              = optional(number, 120)
    maximum_concurrency  = optional(number, 10)
    reserved_concurrency = optional(number)
    log_level            = optional(string, "INFO")
    log_retention_days   = optional(number, 30)
    tracing              = optional(bool, false)
    permissions_boundary = optional(string)
    role_path            = optional(string, "/")
    vpc = optional(object({
      subnet_ids         = set(string)
      security_group_ids = set(string)
    }))
  })
  default  = {}
  nullable = false

  # The worker waits for nothing in its last 48 seconds: a call that hangs must not prevent the report.
  validation {
    condition     = var.lambda.timeout >= 90
    error_message = "lambda.timeout is ${var.lambda.timeout}: set it to at least 90 seconds, so that the worker has time to apply settings before it must report how far it came."
  }

  validation {
    condition     = var.lambda.maximum_concurrency >= 2 && var.lambda.maximum_concurrency <= 1000
    error_message = "lambda.maximum_concurrency is ${var.lambda.maximum_concurrency}: set it within 2 to 1000, the limits of an SQS event source mapping."
  }

  # Messages that the mapping fetches and the function cannot take are returned to the queue, and have used a receive.
  validation {
    condition     = var.lambda.reserved_concurrency == null ? true : var.lambda.reserved_concurrency >= var.lambda.maximum_concurrency
    error_message = "Throttled deliveries would use up attempts: set lambda.reserved_concurrency (${coalesce(var.lambda.reserved_concurrency, 0)}) to at least lambda.maximum_concurrency (${var.lambda.maximum_concurrency}), or lower the latter."
  }
}

variable "restore_queue" {
  description = "The queue to work on: the output `queue` of restore-events."
  type = object({
    url                        = string
    arn                        = string
    visibility_timeout_seconds = number
    message_retention_seconds  = number
  })
  nullable = false

  validation {
    condition     = var.restore_queue.visibility_timeout_seconds >= 6 * var.lambda.timeout
    error_message = "The queue would deliver a message again while it is still being processed: raise queue.visibility_timeout_seconds (${var.restore_queue.visibility_timeout_seconds}) to at least six times lambda.timeout (6 x ${var.lambda.timeout} = ${6 * var.lambda.timeout}), or leave it out to have it derived."
  }

  validation {
    condition     = local.queue_seconds.deployment < var.restore_queue.message_retention_seconds
    error_message = "A restore could be followed for ${local.queue_seconds.deployment} s (waits of ${local.wait.longest.seconds} s, and ${var.polling.max_attempts} runs of up to ${var.lambda.timeout} s) and the queue deletes it after ${var.restore_queue.message_retention_seconds} s: lower polling.max_attempts, polling.max_delay_seconds or lambda.timeout, or raise queue.message_retention_seconds (at most 1209600)."
  }

  validation {
    condition     = alltrue([for seconds in local.queue_seconds.overrides : seconds < var.restore_queue.message_retention_seconds])
    error_message = "A restore could be followed for longer than the queue keeps its message, which is ${var.restore_queue.message_retention_seconds} s: ${join(", ", [for index, seconds in local.queue_seconds.overrides : "${seconds} s by overrides[${index}], with runs of up to ${var.lambda.timeout} s" if seconds >= var.restore_queue.message_retention_seconds])}. Lower max_attempts or max_delay_seconds there, or raise queue.message_retention_seconds (at most 1209600)."
  }

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:sqs:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,80}$", var.restore_queue.arn)) && can(regex("^https?://", var.restore_queue.url))
    error_message = "restore_queue needs the ARN and the URL of a standard queue, and has arn \"${var.restore_queue.arn}\" and url \"${var.restore_queue.url}\": pass the output queue of restore-events on whole."
  }
}

variable "dead_letter_queue" {
  description = "The secondary DLQ for restores that are given up: the output `dead_letter_queue` of restore-events."
  type = object({
    url = string
    arn = string
  })
  nullable = false

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:sqs:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,80}$", var.dead_letter_queue.arn)) && can(regex("^https?://", var.dead_letter_queue.url))
    error_message = "dead_letter_queue needs the ARN and the URL of a standard queue, and has arn \"${var.dead_letter_queue.arn}\" and url \"${var.dead_letter_queue.url}\": pass the output dead_letter_queue of restore-events on whole."
  }
}

variable "notifications" {
  description = "Where reports go: the SNS topic as readable text (null for none; `topic_kms_key_arn` where it has a customer key of its own), and the event bus, by name or ARN, as JSON events of source `dynamodb-restore`, detail type `DynamoDB Table Restore Report`."
  type = object({
    topic_arn         = optional(string)
    topic_kms_key_arn = optional(string)
    event_bus_name    = optional(string, "default")
  })
  default  = {}
  nullable = false

  # CloudWatch alarms cannot publish to a FIFO topic, nor to one of another region
  # (docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html).
  validation {
    condition     = var.notifications.topic_arn == null ? true : can(regex("^arn:aws[a-z-]*:sns:${data.aws_region.current.id}:[0-9]{12}:[A-Za-z0-9_-]{1,256}$", var.notifications.topic_arn))
    error_message = "notifications.topic_arn \"${coalesce(var.notifications.topic_arn, "-")}\" is not the ARN of a standard SNS topic in region ${data.aws_region.current.id}: give the ARN of a topic that is no FIFO topic (.fifo) and lies in the region of the deployment."
  }

  validation {
    condition     = can(regex("^(arn:aws[a-z-]*:events:${data.aws_region.current.id}:${data.aws_caller_identity.current.account_id}:event-bus/)?[A-Za-z0-9._/-]{1,256}$", var.notifications.event_bus_name))
    error_message = "notifications.event_bus_name \"${coalesce(var.notifications.event_bus_name, "null")}\" is neither the name of an event bus nor the ARN of one in account ${data.aws_caller_identity.current.account_id} and region ${data.aws_region.current.id}: give the bus's name, such as \"default\"."
  }

  validation {
    condition     = var.notifications.topic_kms_key_arn == null ? true : can(regex("^arn:aws[a-z-]*:kms:${data.aws_region.current.id}:[0-9]{12}:key/[A-Za-z0-9-]+$", var.notifications.topic_kms_key_arn))
    error_message = "notifications.topic_kms_key_arn \"${coalesce(var.notifications.topic_kms_key_arn, "-")}\" is not the ARN of a KMS key in region ${data.aws_region.current.id}: give the key's own ARN, which ends in key/ID. An alias's ARN in a policy grants nothing."
  }
}

variable "restore_table" {
  description = "The restore table, which keeps a record of each restore. `record_retention_days`: how long a record is kept after its last change. `deletion_protection`: AWS refuses to delete the table, and with it Terraform, also where a new `name` would replace it. To destroy the deployment set it to false and apply, then destroy."
  type = object({
    record_retention_days = optional(number, 365)
    deletion_protection   = optional(bool, true)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.restore_table.record_retention_days >= 1 && floor(var.restore_table.record_retention_days) == var.restore_table.record_retention_days
    error_message = "restore_table.record_retention_days is ${var.restore_table.record_retention_days}: set it to a whole number of days, 1 or more."
  }
}

variable "pipeline_sources" {
  description = "Names of the source tables of change pipelines. The operator function is denied their items where `replicas`, which takes permissions on items, is on for some restore. Those of pipelines in other configurations may be named too."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for source in var.pipeline_sources : can(regex("^[A-Za-z0-9_.-]{3,255}$", source))])
    error_message = "This is not the name of a table: ${join(", ", [for source in var.pipeline_sources : "\"${source}\"" if !can(regex("^[A-Za-z0-9_.-]{3,255}$", source))])}. Give names and not ARNs, 3 to 255 letters, digits, _, . and -."
  }
}

variable "failure_buckets" {
  description = "Buckets of the estate's own that change pipelines of this worker use (their `failure_bucket.arn`), by ARN: the operator function looks there, before cutover, for changes that capture gave up. Those that pipelines make need not be named."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = length(var.failure_buckets) <= 20 && alltrue([for arn in var.failure_buckets : can(regex("^arn:[a-z-]+:s3:::[a-z0-9.-]{3,63}$", arn))])
    error_message = "failure_buckets has ${length(var.failure_buckets)} ARNs, or one that is not the ARN of a bucket: give at most 20 such as arn:aws:s3:::my-bucket, with no path, and let pipelines share them."
  }
}

variable "failure_bucket_kms_key_arns" {
  description = "Customer keys of `failure_buckets`, and of buckets that pipelines with another key than this module make: the operator function reads there with them."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for arn in var.failure_bucket_kms_key_arns : can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", arn))])
    error_message = "This is not the ARN of a KMS key: ${join(", ", [for arn in var.failure_bucket_kms_key_arns : "\"${arn}\"" if !can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", arn))])}. Give the key's own ARN, which ends in key/ID. An alias's ARN in a policy grants nothing."
  }
}

variable "artifacts" {
  description = "Where the zips are, if not in this module: `code` and `layer`, each an object in S3 (bucket in this region) with `source_hash`, the base64 SHA-256 of the zip (`openssl dgst -sha256 -binary FILE | base64`). Null takes the zip that comes with the module, which needs no build."
  type = object({
    code = optional(object({
      bucket         = string
      key            = string
      object_version = optional(string)
      source_hash    = string
    }))
    layer = optional(object({
      bucket         = string
      key            = string
      object_version = optional(string)
      source_hash    = string
    }))
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for artifact in [var.artifacts.code, var.artifacts.layer] : can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", artifact.bucket)) && artifact.key != "" if artifact != null])
    error_message = "An artifact has no bucket's name or no key: ${join(", ", [for artifact in [var.artifacts.code, var.artifacts.layer] : "\"${artifact.bucket}\" with the key \"${artifact.key}\"" if artifact != null])}. Give artifacts the bucket by its name, and not by ARN or URL, and the object's key."
  }

  validation {
    condition     = alltrue([for artifact in [var.artifacts.code, var.artifacts.layer] : can(regex("^[A-Za-z0-9+/]{43}=$", artifact.source_hash)) if artifact != null])
    error_message = "A source_hash is not the base64 SHA-256 of a zip: ${join(", ", [for artifact in [var.artifacts.code, var.artifacts.layer] : "\"${artifact.source_hash}\"" if artifact != null])}. Take what openssl dgst -sha256 -binary FILE | base64 prints: 44 characters."
  }
}

variable "kms_key_arn" {
  description = "Customer KMS key for the restore table, the function's environment and its logs; the same that the queues and the topic use. Its key policy must let `logs.REGION.amazonaws.com` use it. Null means keys that AWS manages."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null ? true : can(regex("^arn:aws[a-z-]*:kms:${data.aws_region.current.id}:[0-9]{12}:key/[A-Za-z0-9-]+$", var.kms_key_arn))
    error_message = "kms_key_arn \"${coalesce(var.kms_key_arn, "-")}\" is not the ARN of a KMS key in region ${data.aws_region.current.id}: give the key's own ARN, which ends in key/ID. An alias's ARN in a policy grants nothing."
  }
}
