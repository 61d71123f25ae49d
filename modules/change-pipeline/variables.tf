variable "tags" {
  description = "Tags for everything that can be tagged. The tag `dynamodb-restore`, with the name as its value, is added."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "table" {
  description = "Name of the source table. It needs a stream, of any view type."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9_.-]{3,255}$", var.table))
    error_message = "\"${var.table}\" is not the name of a table: give its name and not its ARN, 3 to 255 letters, digits, _, . and -."
  }
}

variable "label" {
  description = "What stands for the table in the names of what is made: 1 to 255 letters, digits, `_`, `.` and `-`, known when Terraform plans. Null takes the table's name; give one where the table's name is known only once it is made."
  type        = string
  default     = null

  validation {
    condition     = var.label == null ? true : can(regex("^[A-Za-z0-9_.-]{1,255}$", var.label))
    error_message = "label \"${coalesce(var.label, "-")}\" does not fit into names: use 1 to 255 letters, digits, _, . and -."
  }
}

variable "stream" {
  description = "The source table's stream. With null it is looked up, so the table must exist when Terraform plans. Give `arn` and `view_type` if the table is created in the same configuration (its `stream_arn` and `stream_view_type`), or the module call has `depends_on`."
  type = object({
    arn       = string
    view_type = string
  })
  default = null

  validation {
    condition     = var.stream == null ? true : can(regex("^arn:[a-z-]+:dynamodb:[a-z0-9-]+:[0-9]{12}:table/[^/]+/stream/.+$", var.stream.arn))
    error_message = "stream.arn \"${try(var.stream.arn, "")}\" is not the ARN of a table's stream: enable a stream on the table and give its stream_arn, or leave stream out to have it looked up."
  }

  validation {
    condition     = var.stream == null ? true : strcontains(var.stream.arn, ":table/${var.table}/stream/") || !strcontains(var.stream.arn, "/stream/")
    error_message = "stream.arn \"${try(var.stream.arn, "")}\" is a stream of another table: give the stream of ${var.table}, or leave stream out to have it looked up."
  }

  validation {
    condition     = var.stream == null ? true : contains(["KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES"], var.stream.view_type)
    error_message = "stream.view_type \"${try(var.stream.view_type, "")}\" is none of DynamoDB's: give the table's stream_view_type, or leave stream out to have it looked up."
  }
}

variable "binding" {
  description = "The worker that the pipeline belongs to: the output `binding` of restore-worker."
  type = object({
    name          = string
    restore_table = object({ name = string, arn = string })
    functions     = object({ operator = object({ name = string }) })
    layer_arn     = string
    topic_arn     = optional(string)
    kms_key_arn   = optional(string)
  })
  nullable = false

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:dynamodb:[a-z0-9-]+:[0-9]{12}:table/[A-Za-z0-9_.-]{3,255}$", var.binding.restore_table.arn)) && can(regex("^arn:aws[a-z-]*:lambda:[a-z0-9-]+:[0-9]{12}:layer:[A-Za-z0-9_-]+:[0-9]+$", var.binding.layer_arn))
    error_message = "The binding is not one of restore-worker's: its restore_table.arn \"${var.binding.restore_table.arn}\" must be the ARN of a table and its layer_arn \"${var.binding.layer_arn}\" that of a layer's version. Pass the output binding of restore-worker on whole."
  }
}

variable "look_up_stream" {
  description = "Whether to look the stream up. Null does where `stream` is null. Where Terraform cannot tell that when it plans, because all of `stream` is the output of a resource or a module, set it to false."
  type        = bool
  default     = null

  validation {
    condition     = var.look_up_stream == null ? true : !(var.look_up_stream && var.stream != null)
    error_message = "A stream is given and would be looked up too: leave one of stream and look_up_stream out."
  }

  validation {
    condition     = var.look_up_stream == null ? true : var.look_up_stream || var.stream != null
    error_message = "Nobody says which stream to read: give stream, or leave look_up_stream out to have it looked up."
  }
}

variable "capture" {
  description = "When changes are captured. `on_restore`: from the restore request on, reaching back as far as the stream does, 24 hours at most; until then nothing runs. `always`: all the time, for restore points further back; the buffer keeps 14 days."
  type        = string
  default     = "on_restore"
  nullable    = false

  validation {
    condition     = contains(["on_restore", "always"], var.capture)
    error_message = "capture is \"${var.capture}\": set it to \"on_restore\" or \"always\"."
  }
}

variable "filter" {
  description = "Which changes are captured: patterns of Lambda's event filtering as JSON, of which one must match. Empty for all. Changes that match no pattern never reach the restored table. A pattern on `NewImage` omits every delete."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for pattern in var.filter : can(keys(jsondecode(pattern)))])
    error_message = "A filter pattern is not a JSON object: ${join(", ", [for pattern in var.filter : pattern if !can(keys(jsondecode(pattern)))])}. Write each as Lambda's event filtering has it, such as jsonencode({ eventName = [\"INSERT\", \"MODIFY\"] })."
  }

  # An empty object would match all: then it is not meant as a filter. Anything else at the top is no part of a stream record.
  validation {
    condition = alltrue([
      for pattern in var.filter :
      try(length(keys(jsondecode(pattern))) > 0 && length(setsubtract(keys(jsondecode(pattern)), local.record_fields)) == 0, true)
    ])
    error_message = "A filter pattern would match every record or none: begin each with fields that stream records have (${join(", ", local.record_fields)}), such as jsonencode({ dynamodb = { Keys = { pk = { S = [{ prefix = \"order#\" }] } } } })."
  }

  validation {
    condition     = length(var.filter) <= 10 && alltrue([for pattern in var.filter : length(pattern) <= 4096])
    error_message = "Lambda takes at most 10 filter patterns (5 without a raised quota) of at most 4096 characters: there are ${length(var.filter)}, the longest with ${max(0, [for pattern in var.filter : length(pattern)]...)}. Use fewer or shorter ones."
  }
}

variable "keep_expiries" {
  description = "Whether deletes by time to live are captured. If not, items that expire in the source during the restore stay in the restored table until its own time to live deletes them. In a global table, deletes by time to live that are replicated from another region look like any other: they are told by `ttl_attribute` and the old image, so a stream without old images has them captured all the same."
  type        = bool
  default     = true
  nullable    = false
}

variable "ttl_attribute" {
  description = "The attribute with the items' time to live, for `keep_expiries = false`: a delete of an item that had already expired is omitted too. With null it is looked up with the stream. Give it if you give `stream`."
  type        = string
  default     = null

  validation {
    condition     = var.ttl_attribute == null ? true : length(var.ttl_attribute) >= 1 && length(var.ttl_attribute) <= 255
    error_message = "ttl_attribute has ${length(coalesce(var.ttl_attribute, "-"))} characters: give the name of the table's time to live attribute, 1 to 255 characters, or leave it out."
  }
}

variable "capture_reserved_concurrency" {
  description = "How many invocations of the capture function are reserved, so that other functions of the account cannot use them up; null for no reservation. Not more than these run at the same time: the stream has one for each shard, times `stream_reader.parallelization_factor`."
  type        = number
  default     = null

  validation {
    condition     = var.capture_reserved_concurrency == null ? true : var.capture_reserved_concurrency >= 1 && floor(var.capture_reserved_concurrency) == var.capture_reserved_concurrency
    error_message = "capture_reserved_concurrency is ${coalesce(var.capture_reserved_concurrency, 0)}: set it to a whole number of at least 1, for 0 would switch capture off, or leave it out for none reserved."
  }
}

variable "group_count" {
  description = "How many FIFO message groups the items are distributed over, 1 to 1000. This is also how many invocations can replay at the same time. Changes captured before and after it was changed can be replayed in the wrong order: change it only while no restore uses the pipeline, and with `capture = \"always\"` purge the buffer then."
  type        = number
  default     = 16
  nullable    = false

  validation {
    condition     = var.group_count >= 1 && var.group_count <= 1000 && floor(var.group_count) == var.group_count
    error_message = "group_count is ${var.group_count}: set it to a whole number from 1 to 1000."
  }
}

variable "byte_limit" {
  description = "The largest message in the buffer, in bytes: 1024 to 1048576, SQS's limit. Above 262144 the AWS provider must be 6.8.0 or later: earlier releases refuse such a queue. An image too large for a message goes to the failure bucket, and the message names it."
  type        = number
  default     = 262144
  nullable    = false

  validation {
    condition     = var.byte_limit >= 1024 && var.byte_limit <= 1048576 && floor(var.byte_limit) == var.byte_limit
    error_message = "byte_limit is ${var.byte_limit}: SQS takes no message larger than 1048576 bytes, so set it to a whole number from 1024 to 1048576."
  }
}

variable "target_patterns" {
  description = "Which restored tables may be replayed into, by name with `*` for any run of characters. Null for the source's name followed by `-` and anything (`orders-*`). A restore of the source into a table of another name gets its settings only, and its report says so. The roles may write items of these tables, so keep it narrow."
  type        = list(string)
  default     = null

  validation {
    condition     = var.target_patterns == null ? true : length(var.target_patterns) > 0
    error_message = "An empty list of target patterns would let no restore use the pipeline: give target_patterns at least one pattern, or leave it out for names that begin with the source's."
  }

  validation {
    condition     = alltrue([for pattern in var.target_patterns == null ? [] : var.target_patterns : can(regex("^[A-Za-z0-9_.*-]{1,255}$", pattern))])
    error_message = "A target pattern is empty, too long or has an illegal character: ${join(", ", [for pattern in var.target_patterns == null ? [] : var.target_patterns : "\"${pattern}\"" if !can(regex("^[A-Za-z0-9_.*-]{1,255}$", pattern))])}. Use up to 255 letters, digits, _, ., - and * as the wildcard."
  }
}

variable "replay_concurrency" {
  description = "How many replay invocations may run at once, 2 to 1000. More than `group_count` never do."
  type        = number
  default     = 10
  nullable    = false

  validation {
    condition     = var.replay_concurrency >= 2 && var.replay_concurrency <= 1000 && floor(var.replay_concurrency) == var.replay_concurrency
    error_message = "replay_concurrency is ${var.replay_concurrency}: set it to a whole number from 2 to 1000, the limits of an SQS event source mapping."
  }
}

variable "write_units_per_second" {
  description = "How many write units per second replay may use on the restored table, divided among its invocations; null for no limit."
  type        = number
  default     = null

  validation {
    condition     = var.write_units_per_second == null ? true : var.write_units_per_second > 0
    error_message = "write_units_per_second is ${coalesce(var.write_units_per_second, 0)}: set it above 0, or leave it out for no limit."
  }
}

variable "read_units_per_second" {
  description = "How many read units per second replay may use on the source table, for items whose image is not in the message, divided among its invocations; null for no limit."
  type        = number
  default     = null

  validation {
    condition     = var.read_units_per_second == null ? true : var.read_units_per_second > 0
    error_message = "read_units_per_second is ${coalesce(var.read_units_per_second, 0)}: set it above 0, or leave it out for no limit."
  }
}

variable "stream_reader" {
  description = <<-EOT
    How Lambda reads the stream.
    - `batch_size`: records an invocation gets at most (1 to 10000). `batching_window_seconds`: how long it waits for them (0 to 300).
    - `parallelization_factor`: invocations a shard (1 to 10); the changes of one item stay in order.
    - `maximum_record_age_seconds`: how old a record gets before it is given up and goes to the failure bucket (60 to 82800: a stream drops a record after 86400, and then nothing tells of it).
  EOT
  # No object: Terraform drops attributes that an object type does not know, and records would be given up earlier, or later,
  # than was said.
  type     = map(number)
  default  = {}
  nullable = false

  validation {
    condition     = length(setsubtract(keys(var.stream_reader), keys(local.stream_reader_limits))) == 0
    error_message = "stream_reader has no ${join(", ", [for key in setsubtract(keys(var.stream_reader), keys(local.stream_reader_limits)) : "\"${key}\""])}: its keys are ${join(", ", keys(local.stream_reader_limits))}."
  }

  validation {
    condition = alltrue([
      for key, value in var.stream_reader :
      try(value >= local.stream_reader_limits[key].least && value <= local.stream_reader_limits[key].most, true)
    ])
    error_message = "A number of stream_reader is out of bounds: ${join(", ", [for key, value in var.stream_reader : "${key} is ${value} and takes ${local.stream_reader_limits[key].least} to ${local.stream_reader_limits[key].most}" if !try(value >= local.stream_reader_limits[key].least && value <= local.stream_reader_limits[key].most, true)])}. Set it within. These are the limits of a mapping of a stream, but for the record age: a stream drops a record after 24 hours; records that Lambda gives up an hour before that are in the failure bucket, and records that the stream drops are lost without notice."
  }
}

variable "buffer" {
  description = <<-EOT
    The FIFO buffer.
    - `visibility_timeout_seconds`: how long messages stay hidden after an invocation that did not finish them; at least six times `lambda.timeout`, which is what null gives.
    - `alarm_after_days`: the age of the oldest message, in days, from which an alarm tells of it (1 to 13). While a table restores, messages wait for hours; SQS drops them after 14 days.
  EOT
  type = object({
    visibility_timeout_seconds = optional(number)
    alarm_after_days           = optional(number, 10)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.buffer.visibility_timeout_seconds == null ? true : var.buffer.visibility_timeout_seconds >= 6 * var.lambda.timeout
    error_message = "The buffer would deliver messages again while they are still being processed: raise buffer.visibility_timeout_seconds (${coalesce(var.buffer.visibility_timeout_seconds, 0)}) to at least six times lambda.timeout (6 x ${var.lambda.timeout} = ${6 * var.lambda.timeout}), or leave it out to have it derived."
  }

  validation {
    condition     = var.buffer.visibility_timeout_seconds == null ? true : var.buffer.visibility_timeout_seconds <= 43200
    error_message = "SQS hides a message for at most 12 hours: set buffer.visibility_timeout_seconds to at most 43200, not ${coalesce(var.buffer.visibility_timeout_seconds, 0)}."
  }

  validation {
    condition     = var.buffer.alarm_after_days >= 1 && var.buffer.alarm_after_days <= 13
    error_message = "buffer.alarm_after_days is ${var.buffer.alarm_after_days}: set it within 1 to 13, for SQS drops messages after 14 days."
  }
}

variable "failure_bucket" {
  description = <<-EOT
    Where records go that capture could not send within the stream's life, and images too large for a message.
    - `create` makes a bucket; to use one of your own in this region set it to false and give `arn`. That bucket must keep what is under `images/` for 15 days at least, which Terraform cannot see, and let the capture function put and the replay function get objects there.
    - `kms_key_arn`: the customer key of a bucket of your own; the functions may use it through S3. Without it Lambda could not put there what capture gives up.
    - `expire_after_days`: how long the bucket that is made keeps the records; longer than a restore may take from its restore point to its cutover, which looks for them there. Images it keeps for 15 days. `force_destroy`: whether Terraform may delete it while it holds any.
  EOT
  type = object({
    create            = optional(bool, true)
    arn               = optional(string)
    kms_key_arn       = optional(string)
    expire_after_days = optional(number, 30)
    force_destroy     = optional(bool, false)
  })
  default  = {}
  nullable = false

  validation {
    condition     = !(var.failure_bucket.create && var.failure_bucket.arn != null)
    error_message = "A bucket is given, and one would be created too: set failure_bucket.create to false to use failure_bucket.arn, or leave arn out."
  }

  validation {
    condition     = var.failure_bucket.create || var.failure_bucket.arn != null
    error_message = "Changes that cannot be sent would be lost: give failure_bucket.arn, or leave failure_bucket.create true to have a bucket made."
  }

  validation {
    condition     = var.failure_bucket.arn == null ? true : can(regex("^arn:[a-z-]+:s3:::[a-z0-9.-]{3,63}$", var.failure_bucket.arn))
    error_message = "failure_bucket.arn \"${coalesce(var.failure_bucket.arn, "-")}\" is not the ARN of a bucket: give one such as arn:aws:s3:::my-bucket, with no path."
  }

  validation {
    condition     = var.failure_bucket.expire_after_days >= 1 && floor(var.failure_bucket.expire_after_days) == var.failure_bucket.expire_after_days
    error_message = "failure_bucket.expire_after_days is ${var.failure_bucket.expire_after_days}: set it to a whole number of days, 1 or more."
  }

  validation {
    condition     = var.failure_bucket.kms_key_arn == null ? true : can(regex("^arn:aws[a-z-]*:kms:${data.aws_region.current.id}:[0-9]{12}:key/[A-Za-z0-9-]+$", var.failure_bucket.kms_key_arn))
    error_message = "failure_bucket.kms_key_arn \"${coalesce(var.failure_bucket.kms_key_arn, "-")}\" is not the ARN of a KMS key in region ${data.aws_region.current.id}: give the key's own ARN, which ends in key/ID. An alias's ARN in a policy grants nothing."
  }

  validation {
    condition     = !(var.failure_bucket.create && var.failure_bucket.kms_key_arn != null)
    error_message = "failure_bucket.kms_key_arn is the key of a bucket of your own, and one would be made: the bucket that is made has the deployment's key (kms_key_arn). Leave it out, or set failure_bucket.create to false and give arn."
  }
}

variable "table_kms_key_arns" {
  description = "Customer KMS keys of the source table and the restored ones, where their key policies leave it to IAM who may use the tables. The functions may decrypt with them through DynamoDB."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for arn in var.table_kms_key_arns : can(regex("^arn:aws[a-z-]*:kms:${data.aws_region.current.id}:[0-9]{12}:key/[A-Za-z0-9-]+$", arn))])
    error_message = "This is not the ARN of a KMS key in region ${data.aws_region.current.id}: ${join(", ", [for arn in var.table_kms_key_arns : "\"${arn}\"" if !can(regex("^arn:aws[a-z-]*:kms:${data.aws_region.current.id}:[0-9]{12}:key/[A-Za-z0-9-]+$", arn))])}. Give table_kms_key_arns the keys' own ARNs, which end in key/ID. An alias's ARN in a policy grants nothing."
  }
}

variable "upkeep_interval_minutes" {
  description = "How often the upkeep function runs, in minutes: 1 to 60."
  type        = number
  default     = 5
  nullable    = false

  validation {
    condition     = var.upkeep_interval_minutes >= 1 && var.upkeep_interval_minutes <= 60 && floor(var.upkeep_interval_minutes) == var.upkeep_interval_minutes
    error_message = "upkeep_interval_minutes is ${var.upkeep_interval_minutes}: set it to a whole number from 1 to 60."
  }
}

variable "lambda" {
  description = <<-EOT
    The capture, the replay and the upkeep function, each.
    - `runtime`: python3.12, python3.13 or python3.14 (the last needs an AWS provider that knows it). `architecture`: arm64 or x86_64.
    - `memory_size` in MB; the processor's share grows with it. `timeout` in seconds, of capture and replay; capture has at
      least 240, to wait for the outcome of sends.
    - `log_level`, `log_retention_days` (0 for ever), `tracing` (X-Ray).
    - `permissions_boundary`: policy ARN for the roles. `role_path`: their path in IAM, such as `/service/`.
    - `vpc`: `subnet_ids` and `security_group_ids` to run in; null for no VPC. From there every AWS service that the functions
      call must be reachable, through endpoints or NAT.
  EOT
  type = object({
    runtime              = optional(string, "python3.13")
    architecture         = optional(string, "arm64")
    memory_size          = optional(number, 512)
    timeout              = optional(number, 60)
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

  # Replay begins no write in its last 24 seconds, so that a call which hangs does not end it before it has noted how far
  # it came.
  validation {
    condition     = var.lambda.timeout >= 45
    error_message = "lambda.timeout is ${var.lambda.timeout}: set it to at least 45 seconds, so that replay has time to write before it must note how far it came."
  }
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
  description = "Customer KMS key for the buffer, its DLQ, the bucket that is made, and the functions' environment and logs. Its key policy must let `logs.REGION.amazonaws.com` use it. Null means keys that AWS owns or manages."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null ? true : can(regex("^arn:aws[a-z-]*:kms:${data.aws_region.current.id}:[0-9]{12}:key/[A-Za-z0-9-]+$", var.kms_key_arn))
    error_message = "kms_key_arn \"${coalesce(var.kms_key_arn, "-")}\" is not the ARN of a KMS key in region ${data.aws_region.current.id}: give the key's own ARN, which ends in key/ID. An alias's ARN in a policy grants nothing."
  }
}

variable "in_root_module" {
  description = "Set by the root module for the pipelines that it makes: a check of its own warns where a plan would take one away from a restore. Leave it out anywhere else."
  type        = bool
  default     = false
  nullable    = false
}
