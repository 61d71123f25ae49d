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

variable "table_patterns" {
  description = "Which restores to follow, by table name with `*` for any run of characters: one of the `source` patterns must match the table restored from, and one of the `target` patterns the new table."
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

  validation {
    condition     = alltrue([for pattern in flatten([for patterns in values(var.table_patterns) : coalesce(patterns, [])]) : !strcontains(pattern, "**")])
    error_message = "EventBridge refuses consecutive wildcards: ${join(", ", [for pattern in flatten([for patterns in values(var.table_patterns) : coalesce(patterns, [])]) : "\"${pattern}\"" if strcontains(pattern, "**")])}. Write a single * in the pattern; it stands for any run of characters."
  }
}

variable "follow" {
  description = <<-EOT
    Which kinds of restores to follow.
    - `point_in_time`: the call `RestoreTableToPointInTime`.
    - `backups`: the calls `RestoreTableFromBackup` and `RestoreTableFromAwsBackup`, the latter by AWS Backup itself.
    - `backup_jobs`: the restore jobs of AWS Backup, whose events need no trail. To leave AWS Backup alone switch off
      `backups` too.
  EOT
  type = object({
    point_in_time = optional(bool, true)
    backups       = optional(bool, true)
    backup_jobs   = optional(bool, true)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.follow.point_in_time || var.follow.backups || var.follow.backup_jobs
    error_message = "No restore would be followed: leave at least one of follow.point_in_time, follow.backups and follow.backup_jobs on, or set create to false for nothing at all."
  }
}

variable "event_sources" {
  description = "Further event sources that the rules accept beside `aws.dynamodb` and `aws.backup`. AWS refuses events put by customers under `aws.*`, so a source of your own is what rehearses a restore or puts in an event that was missed. Whoever may put events on the default bus may then start a run, so leave it empty where that is too many."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for source in var.event_sources : can(regex("^[A-Za-z0-9._-]{1,256}$", source)) && !startswith(source, "aws.")])
    error_message = "An event source is empty, has an illegal character or begins with \"aws.\", which AWS keeps for itself: ${join(", ", [for source in var.event_sources : "\"${source}\"" if !can(regex("^[A-Za-z0-9._-]{1,256}$", source)) || startswith(source, "aws.")])}. Use a name of your own such as \"com.example.restore-rehearsal\"."
  }
}

variable "queue" {
  description = <<-EOT
    The restore queue and its secondary DLQ, in seconds.
    - `visibility_timeout_seconds`: how long a message stays hidden after a function died with it; at least six times the function's timeout.
    - `message_retention_seconds`: how long a restore may be followed at most.
    - `dead_letter_retention_seconds`: how long the secondary DLQ keeps what could not be followed.
    - `max_receive_count`: deliveries after which SQS itself moves a message to the secondary DLQ; more than the worker's attempts.
  EOT
  type = object({
    visibility_timeout_seconds    = optional(number, 720)
    message_retention_seconds     = optional(number, 1209600)
    dead_letter_retention_seconds = optional(number, 1209600)
    max_receive_count             = optional(number, 995)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.queue.visibility_timeout_seconds >= 0 && var.queue.visibility_timeout_seconds <= 43200
    error_message = "SQS hides a message for at most 12 hours: set queue.visibility_timeout_seconds to at most 43200, not ${var.queue.visibility_timeout_seconds}."
  }

  validation {
    condition     = alltrue([for seconds in [var.queue.message_retention_seconds, var.queue.dead_letter_retention_seconds] : seconds >= 60 && seconds <= 1209600])
    error_message = "SQS keeps a message for one minute to 14 days: set queue.message_retention_seconds (${var.queue.message_retention_seconds}) and queue.dead_letter_retention_seconds (${var.queue.dead_letter_retention_seconds}) within 60 to 1209600."
  }

  # A message that SQS itself moves keeps the time at which it was first sent, so a shorter retention on the
  # DLQ could delete it on arrival.
  validation {
    condition     = var.queue.dead_letter_retention_seconds >= var.queue.message_retention_seconds
    error_message = "The secondary DLQ would lose old messages as they arrive: set queue.dead_letter_retention_seconds (${var.queue.dead_letter_retention_seconds}) to at least queue.message_retention_seconds (${var.queue.message_retention_seconds})."
  }

  validation {
    condition     = var.queue.max_receive_count >= 1 && var.queue.max_receive_count <= 1000
    error_message = "SQS counts at most 1000 receives: set queue.max_receive_count within 1 to 1000, not ${var.queue.max_receive_count}."
  }
}

variable "senders" {
  description = "The functions that may send, by the ARN of their role: `worker` sends restores that are given up to the secondary DLQ, and `reconciler` sends restores without an event to the restore queue. Null for no reconciler. Nobody else may send to either queue except the rules and `redrivers`, whatever other policies allow."
  type = object({
    worker     = string
    reconciler = optional(string)
  })
  nullable = false

  validation {
    condition     = alltrue([for arn in compact([var.senders.worker, var.senders.reconciler]) : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9_+=,.@/-]+$", arn))])
    error_message = "A sender is not the ARN of a role: ${join(", ", [for arn in compact([var.senders.worker, var.senders.reconciler]) : "\"${arn}\"" if !can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9_+=,.@/-]+$", arn))])}. Give senders the role.arn of restore-worker and of reconciler."
  }
}

variable "redrivers" {
  description = "Who may redrive messages of the secondary DLQ: ARNs of roles and users of this account, with `*` in the name for any run of characters. A redrive sends as its caller, and the restore queue's policy denies that to everybody who is not named. Whoever is named can have the worker follow any message."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for arn in var.redrivers : can(regex("^arn:aws[a-z-]*:iam::${data.aws_caller_identity.current.account_id}:(role|user)/[A-Za-z0-9_+=,.@/-][A-Za-z0-9_+=,.@/*-]*$", arn))])
    error_message = "This names no role or user of account ${data.aws_caller_identity.current.account_id}, or every one: ${join(", ", [for arn in var.redrivers : "\"${arn}\"" if !can(regex("^arn:aws[a-z-]*:iam::${data.aws_caller_identity.current.account_id}:(role|user)/[A-Za-z0-9_+=,.@/-][A-Za-z0-9_+=,.@/*-]*$", arn))])}. Give redrivers the ARNs of roles (not of their sessions) or users, such as \"arn:aws:iam::${data.aws_caller_identity.current.account_id}:role/on-call\"; a * only after the name has begun."
  }
}

variable "topic_arn" {
  description = "The SNS topic that the alarms notify: the output `topic_arn` of notifications; null for nobody."
  type        = string
  default     = null

  validation {
    condition     = var.topic_arn == null ? true : can(regex("^arn:aws[a-z-]*:sns:${data.aws_region.current.id}:[0-9]{12}:[A-Za-z0-9_-]{1,256}$", var.topic_arn))
    error_message = "topic_arn \"${coalesce(var.topic_arn, "-")}\" is not the ARN of a standard SNS topic in region ${data.aws_region.current.id}: give the output topic_arn of modules/notifications, or null for nobody."
  }
}

variable "kms_key_arn" {
  description = "Customer KMS key for both queues; null means SQS's own encryption. Its key policy must let `events.amazonaws.com` use `kms:GenerateDataKey` and `kms:Decrypt`."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null ? true : can(regex("^arn:aws[a-z-]*:kms:${data.aws_region.current.id}:[0-9]{12}:key/[A-Za-z0-9-]+$", var.kms_key_arn))
    error_message = "kms_key_arn \"${coalesce(var.kms_key_arn, "-")}\" is not the ARN of a KMS key in region ${data.aws_region.current.id}: give the key's own ARN, which ends in key/ID. An alias's ARN in a policy grants nothing."
  }
}
