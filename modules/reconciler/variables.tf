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

variable "binding" {
  description = "The worker whose restores are checked: the output `binding` of restore-worker."
  type = object({
    restore_table           = object({ name = string, arn = string })
    layer_arn               = string
    longest_silence_seconds = number
    table_patterns          = object({ target = list(string) })
    configuration           = string
    topic_arn               = optional(string)
    kms_key_arn             = optional(string)
  })
  nullable = false

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:dynamodb:[a-z0-9-]+:[0-9]{12}:table/[A-Za-z0-9_.-]{3,255}$", var.binding.restore_table.arn)) && can(regex("^arn:aws[a-z-]*:lambda:[a-z0-9-]+:[0-9]{12}:layer:[A-Za-z0-9_-]+:[0-9]+$", var.binding.layer_arn))
    error_message = "The binding is not one of restore-worker's: its restore_table.arn \"${var.binding.restore_table.arn}\" must be the ARN of a table and its layer_arn \"${var.binding.layer_arn}\" that of a layer's version. Pass the output binding of restore-worker on whole."
  }
}

variable "restore_queue" {
  description = "The queue that the worker works on: the output `queue` of restore-events."
  type = object({
    url = string
    arn = string
  })
  nullable = false

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:sqs:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,80}$", var.restore_queue.arn)) && can(regex("^https?://", var.restore_queue.url))
    error_message = "restore_queue needs the ARN and the URL of a standard queue, and has arn \"${var.restore_queue.arn}\" and url \"${var.restore_queue.url}\": pass the output queue of restore-events on whole."
  }
}

variable "follow" {
  description = <<-EOT
    Which kinds of restores to look for, as restore-events follows them.
    - `point_in_time`: those to a point in time.
    - `backups`: those from backups, by whomever.
    - `backup_jobs`: those that AWS Backup makes, as far as the recovery point tells: one that was made without AWS Backup's
      advanced features for DynamoDB counts as `backups`. To leave AWS Backup alone switch off `backups` too.
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
    error_message = "The reconciler would look for no restores: leave at least one of follow.point_in_time, follow.backups and follow.backup_jobs on, or leave the reconciler out."
  }
}

variable "interval_minutes" {
  description = "How often the reconciler runs. A table says that it is being restored only until it is ACTIVE, so a restore that takes less than one interval can be missed."
  type        = number
  default     = 15
  nullable    = false

  validation {
    condition     = var.interval_minutes >= 1 && var.interval_minutes <= 60 && floor(var.interval_minutes) == var.interval_minutes
    error_message = "reconciler.interval_minutes is ${var.interval_minutes}: set it to a whole number of minutes from 1 to 60. With longer intervals, most restores would begin and end unseen."
  }
}

variable "lambda" {
  description = <<-EOT
    The function.
    - `runtime`: python3.12, python3.13 or python3.14 (the last needs an AWS provider that knows it). `architecture`: arm64 or x86_64.
    - `memory_size` in MB.
    - `log_level`, `log_retention_days` (0 for ever), `tracing` (X-Ray).
    - `permissions_boundary`: policy ARN for the role. `role_path`: their path in IAM, such as `/service/`.
    - `vpc`: `subnet_ids` and `security_group_ids` to run in; null for no VPC. From there every AWS service that the functions
      call must be reachable, through endpoints or NAT.
  EOT
  type = object({
    runtime              = optional(string, "python3.13")
    architecture         = optional(string, "arm64")
    memory_size          = optional(number, 256)
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
}

variable "artifacts" {
  description = "Where the code zip is, if not in this module: `code`, an object in S3 (bucket in this region) with `source_hash`, the base64 SHA-256 of the zip (`openssl dgst -sha256 -binary FILE | base64`). Null takes the zip that comes with the module. The layer comes with the binding."
  type = object({
    code = optional(object({
      bucket         = string
      key            = string
      object_version = optional(string)
      source_hash    = string
    }))
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for artifact in [var.artifacts.code] : can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", artifact.bucket)) && artifact.key != "" if artifact != null])
    error_message = "An artifact has no bucket's name or no key: ${join(", ", [for artifact in [var.artifacts.code] : "\"${artifact.bucket}\" with the key \"${artifact.key}\"" if artifact != null])}. Give artifacts the bucket by its name, and not by ARN or URL, and the object's key."
  }

  validation {
    condition     = alltrue([for artifact in [var.artifacts.code] : can(regex("^[A-Za-z0-9+/]{43}=$", artifact.source_hash)) if artifact != null])
    error_message = "A source_hash is not the base64 SHA-256 of a zip: ${join(", ", [for artifact in [var.artifacts.code] : "\"${artifact.source_hash}\"" if artifact != null])}. Take what openssl dgst -sha256 -binary FILE | base64 prints: 44 characters."
  }
}

variable "kms_key_arn" {
  description = "Customer KMS key for the function's environment and logs. Its key policy must let `logs.REGION.amazonaws.com` use it. Null means keys that AWS owns or manages."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null ? true : can(regex("^arn:aws[a-z-]*:kms:${data.aws_region.current.id}:[0-9]{12}:key/[A-Za-z0-9-]+$", var.kms_key_arn))
    error_message = "kms_key_arn \"${coalesce(var.kms_key_arn, "-")}\" is not the ARN of a KMS key in region ${data.aws_region.current.id}: give the key's own ARN, which ends in key/ID. An alias's ARN in a policy grants nothing."
  }
}
