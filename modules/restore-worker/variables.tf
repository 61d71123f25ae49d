variable "name" {
  description = "Prefix of every name. Letters, digits, `-` and `_`, beginning with a letter or digit. What is too long for a service is cut and ends in a hash."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9][A-Za-z0-9_-]*$", var.name))
    error_message = "The name \"${var.name}\" is empty or has a character that AWS refuses in queue and function names: set name to letters, digits, - and _, beginning with a letter or digit."
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
    A setting that is on nowhere, neither here nor in `overrides`, is neither read nor written, and the roles have no
    permission for it.
    - On by default: `point_in_time_recovery`, `deletion_protection`, `tags`, `table_class`, `on_demand_throughput`,
      `auto_scaling`, `stream`, `stream_triggers`, `contributor_insights`, `kinesis_destination`, `cloudwatch_alarms`,
      `ttl`, `resource_policy`.
    - Off by default: `warm_throughput`, which is paid for by its amount, and `replicas`, each a paid copy of the table.
  EOT
  type        = map(bool)
  default     = {}
  nullable    = false

  # A map, because an object type would drop a misspelt attribute without a word.
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

  # What is on nowhere no role may apply, also not later.
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
    error_message = "An override leaves restores alone and says how to treat them: ${join(", ", [for index, override in var.overrides : "overrides[${index}]" if !override.follow && !(length(override.settings) == 0 && length(override.hold) == 0 && override.polling == null && override.replay == null && override.notify == null)])}. Take settings, hold, polling, replay and notify out of it, or take follow = false out."
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

  # A name without a wildcard can be held against the patterns; whether two patterns have a name in common cannot.
  validation {
    condition = alltrue(flatten([
      for override in var.overrides : [
        for kind in ["source", "target"] :
        anytrue([for pattern in var.table_patterns[kind] : can(regex("^${replace(replace(pattern, ".", "\\."), "*", ".*")}$", override[kind]))]) if !strcontains(override[kind], "*")
      ]
    ]))
    error_message = "No restore of these tables is followed, because no pattern in table_patterns matches them: ${join(", ", flatten([for index, override in var.overrides : [for kind in ["source", "target"] : "${kind} \"${override[kind]}\" in overrides[${index}]" if !strcontains(override[kind], "*") && !anytrue([for pattern in var.table_patterns[kind] : can(regex("^${replace(replace(pattern, ".", "\\."), "*", ".*")}$", override[kind]))])]]))}. Add a pattern to table_patterns, or take the override out."
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
  type = object({
    functions       = optional(list(string), ["*"])
    kinesis_streams = optional(list(string), ["*"])
  })
  default  = {}
  nullable = false

  validation {
    condition     = length(var.attachable.functions) > 0 && length(var.attachable.kinesis_streams) > 0
    error_message = "An empty list of patterns in attachable would admit nothing: switch the settings stream_triggers or kinesis_destination off instead, or give attachable.functions and attachable.kinesis_streams at least one pattern each."
  }

  validation {
    condition     = alltrue([for pattern in concat(var.attachable.functions, var.attachable.kinesis_streams) : can(regex("^(arn:[A-Za-z0-9_.:/*-]{1,300}|[A-Za-z0-9_.*-]{1,140})$", pattern)) && !strcontains(pattern, "**")])
    error_message = "A pattern of attachable is empty, too long, has an illegal character or two * beside each other: ${join(", ", [for pattern in concat(var.attachable.functions, var.attachable.kinesis_streams) : "\"${pattern}\"" if !can(regex("^(arn:[A-Za-z0-9_.:/*-]{1,300}|[A-Za-z0-9_.*-]{1,140})$", pattern)) || strcontains(pattern, "**")])}. Use names of letters, digits, _, ., - and single * as the wildcard, or ARNs."
  }
}

variable "drill_patterns" {
  description = "Names of restored tables that are drills, with `*` for any run of characters; AWS Backup's restore tests are drills without being named. A drill gets what describes the table (tags, table class, maximum throughput, stream) and nothing that costs, protects or acts outside, and never takes a change pipeline. An override whose `target` names it goes over it."
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
    error_message = "control_tag \"${coalesce(var.control_tag, "null")}\" cannot be the key of a tag: use 1 to 128 letters, digits, spaces and _ . : / = + @ -, not beginning with \"aws:\", or null to heed no tag."
  }
}

variable "control_tag_excludes" {
  description = "Settings about which `control_tag` does not decide, because whoever may tag the source table could then leave the restored one unprotected. They stay as `settings` and `overrides` have them, also where the tag says `off`; the report notes what the tag asked for. An empty list lets the tag decide about all."
  type        = list(string)
  default     = ["point_in_time_recovery", "deletion_protection", "resource_policy"]
  nullable    = false

  validation {
    condition     = alltrue([for setting in var.control_tag_excludes : contains(local.known_settings, setting)])
    error_message = "There is no such setting: ${join(", ", [for setting in var.control_tag_excludes : "\"${setting}\"" if !contains(local.known_settings, setting)])}. Name in control_tag_excludes only: ${join(", ", local.known_settings)}."
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
    What is looked for and reported, because it names the source table and cannot be cloned.
    - `identity_policies`: policies of IAM roles, users and groups. Off by default: it reads every policy of the account.
    - `backup_selections`: AWS Backup plans that select the source by ARN.
    - `dashboards`: CloudWatch dashboards that chart it.
  EOT
  type = object({
    identity_policies = optional(bool, false)
    backup_selections = optional(bool, true)
    dashboards        = optional(bool, true)
  })
  default  = {}
  nullable = false
}

variable "polling" {
  description = <<-EOT
    How long a restore is followed. After attempt n that finds the table not yet active, the next one comes
    `base_delay_seconds` × `backoff_rate`^(n-1) seconds later, at most `max_delay_seconds`, shortened at random by up to
    the share `jitter` (0 to 1). After `max_attempts` the restore is given up and lands in the secondary DLQ.
    The output `wait` says what the numbers come to; the defaults wait for more than 24 hours.
  EOT
  type = object({
    max_attempts       = optional(number, 380)
    base_delay_seconds = optional(number, 10)
    backoff_rate       = optional(number, 1.5)
    max_delay_seconds  = optional(number, 300)
    jitter             = optional(number, 0.2)
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
  description = "The tables that both roles may touch, by name with `*` for any run of characters: it may read what matches `source` or `target`, and change what matches `target`."
  type = object({
    source = optional(list(string), ["*"])
    target = optional(list(string), ["*"])
  })
  default  = {}
  nullable = false

  validation {
    condition     = length(var.table_patterns.source) > 0 && length(var.table_patterns.target) > 0
    error_message = "An empty list of patterns would match no table: give table_patterns.source and table_patterns.target at least one pattern each, or leave them out for all tables."
  }

  validation {
    condition     = alltrue([for pattern in concat(var.table_patterns.source, var.table_patterns.target) : can(regex("^[A-Za-z0-9_.*-]{1,255}$", pattern))])
    error_message = "A table pattern is empty, too long or has an illegal character: ${join(", ", [for pattern in concat(var.table_patterns.source, var.table_patterns.target) : "\"${pattern}\"" if !can(regex("^[A-Za-z0-9_.*-]{1,255}$", pattern))])}. Use up to 255 letters, digits, _, ., - and * as the wildcard."
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
    - `permissions_boundary`: policy ARN for the roles.
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
  })
  default  = {}
  nullable = false

  # The worker waits for nothing in its last 48 seconds: what follows must not be lost to a call that hangs.
  validation {
    condition     = var.lambda.timeout >= 90
    error_message = "lambda.timeout is ${var.lambda.timeout}: set it to at least 90 seconds, so that the worker has time to apply settings before it must report how far it came."
  }

  validation {
    condition     = var.lambda.maximum_concurrency >= 2 && var.lambda.maximum_concurrency <= 1000
    error_message = "lambda.maximum_concurrency is ${var.lambda.maximum_concurrency}: set it within 2 to 1000, the limits of an SQS event source mapping."
  }

  # What the mapping fetches and the function has no room for goes back to the queue one receive the older.
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
    error_message = "The queue would deliver a message again while it is still worked on: raise queue.visibility_timeout_seconds (${var.restore_queue.visibility_timeout_seconds}) to at least six times lambda.timeout (6 x ${var.lambda.timeout} = ${6 * var.lambda.timeout}), or leave it out to have it derived."
  }

  validation {
    condition     = local.queue_seconds.deployment < var.restore_queue.message_retention_seconds
    error_message = "A restore could be followed for ${local.queue_seconds.deployment} s (waits of ${local.wait.longest.seconds} s, and ${var.polling.max_attempts} runs of up to ${var.lambda.timeout} s) and the queue forgets it after ${var.restore_queue.message_retention_seconds} s: lower polling.max_attempts, polling.max_delay_seconds or lambda.timeout, or raise queue.message_retention_seconds (at most 1209600)."
  }

  validation {
    condition     = alltrue([for seconds in local.queue_seconds.overrides : seconds < var.restore_queue.message_retention_seconds])
    error_message = "A restore could be followed for longer than the queue keeps its message, which is ${var.restore_queue.message_retention_seconds} s: ${join(", ", [for index, seconds in local.queue_seconds.overrides : "${seconds} s by overrides[${index}], with runs of up to ${var.lambda.timeout} s" if seconds >= var.restore_queue.message_retention_seconds])}. Lower max_attempts or max_delay_seconds there, or raise queue.message_retention_seconds (at most 1209600)."
  }
}

variable "dead_letter_queue" {
  description = "The secondary DLQ for restores that are given up: the output `dead_letter_queue` of restore-events."
  type = object({
    url = string
    arn = string
  })
  nullable = false
}

variable "notifications" {
  description = "Where reports go: the SNS topic as readable text (null for none), and the event bus as JSON events of source `dynamodb-restore`, detail type `DynamoDB Table Restore Report`."
  type = object({
    topic_arn      = optional(string)
    event_bus_name = optional(string, "default")
  })
  default  = {}
  nullable = false
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
}

variable "kms_key_arn" {
  description = "Customer KMS key for the restore table, the function's environment and its logs; the same that the queues and the topic use. Its key policy must let `logs.REGION.amazonaws.com` use it. Null means keys that AWS manages."
  type        = string
  default     = null
}
