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
  description = "Which settings of the source table the restored one gets. A setting that is switched off is neither read nor written, and the worker's role has no permission for it."
  type = object({
    tags                   = optional(bool, true)
    ttl                    = optional(bool, true)
    stream                 = optional(bool, true)
    stream_triggers        = optional(bool, true)
    kinesis_destination    = optional(bool, true)
    point_in_time_recovery = optional(bool, true)
    auto_scaling           = optional(bool, true)
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
    condition     = local.wait.longest.seconds < var.restore_queue.message_retention_seconds
    error_message = "A restore could be followed for ${local.wait.longest.text} (${local.wait.longest.seconds} s) and the queue forgets it after ${var.restore_queue.message_retention_seconds} s: lower polling.max_attempts or polling.max_delay_seconds, or raise queue.message_retention_seconds (at most 1209600)."
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
  description = "The restore table, which keeps a record of each restore. `record_retention_days`: how long a record is kept after its last change. `deletion_protection`: AWS refuses to delete the table until it is switched off again."
  type = object({
    record_retention_days = optional(number, 365)
    deletion_protection   = optional(bool, false)
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
