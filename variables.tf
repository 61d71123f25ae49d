# Values are checked in the modules that use them, which can be used on their own; what goes to several is checked
# here as well, so that it is reported once.

variable "create" {
  description = "Whether to create any resources."
  type        = bool
  default     = true
  nullable    = false
}

variable "name" {
  description = "Prefix of every name: at most 24 lower-case letters, digits and single hyphens. Two deployments in one region need two names."
  type        = string
  default     = "dynamodb-restore"
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
    Which settings of the source table the restored table gets, by name: true or false. A setting that is not named has its default.
    A setting that is off here and in all `overrides` is not written, and the roles have no permission
    for it.
    All are on by default but `warm_throughput`, `replicas`, `encryption` and `billing_mode`, which cost by the amount, by the copy, by
    the request and by the mode. What differs in `encryption`, `billing_mode` and `indexes` is reported also where they are off.
    docs/settings.md lists them.
  EOT
  type        = map(bool)
  default     = {}
  nullable    = false
}

variable "overrides" {
  description = <<-EOT
    Per-restore overrides. The first entry whose patterns match both tables applies. What it does not name stays as for all
    other restores.
    - `source`, `target`: table names with `*` for any run of characters.
    - `requested_by`: who made the restore call, as its event says: the ARN of a user, or of a role's session
      (`arn:aws:sts::*:assumed-role/operators/*`); for jobs of AWS Backup it is their role. Only `*` matches a direct invocation, or a
      restore whose event never arrived. So put entries for callers who get more first, and the narrow entry for all others last.
    - `settings`: switches, as in `settings`.
    - `hold`: settings that are read and kept, reported as held, and applied only when an operator releases them (`release`). Use
      `["ttl"]` for a restore that is to bring back items that time to live deleted.
    - `follow`: false leaves these restores alone.
    - `replay`: false stops them from using the source's change pipeline.
    - `notify`: false sends no notification to the topic; the event bus still gets each report.
    - `polling`: how long they are followed; `max_attempts` at most that of the deployment.
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
}

variable "attachable" {
  description = <<-EOT
    What may be attached to a restored table, by name (of its own account) or ARN, with `*` for any run of characters. What is
    attached to the source and not listed here is omitted and reported. Whoever may restore a table into a name that they can write
    to can send items to what is attached to it. Narrow these lists if such people must not reach production.
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
}

variable "drill_patterns" {
  description = "Names of restored tables that are drills, with `*` for any run of characters; AWS Backup's restore tests are drills without being named. A drill gets what describes the table (docs/settings.md says which settings) and nothing that costs, protects or acts outside, and never takes a change pipeline. An override whose `target` names it goes over it."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "control_tag" {
  description = "Key of a tag on the source table, by which the owners of the table choose settings: `off` leaves its restores alone; names of settings with a space between them are exactly those that are cloned (`tags ttl`), or, each with a sign, differ from the deployment (`-replicas +warm_throughput`). It takes precedence over `settings`; `overrides` take precedence over it. It cannot change `control_tag_excludes`, and can switch on only what is on somewhere in the deployment. With null, tags are ignored."
  type        = string
  default     = "dynamodb-restore:settings"
}

variable "control_tag_excludes" {
  description = "Settings about which `control_tag` does not decide, because whoever may tag the source table could then leave the restored one unprotected. They stay as `settings` and `overrides` have them, also where the tag says `off`; the report notes what the tag asked for. Null are point-in-time recovery, deletion protection and the resource policy; an empty list lets the tag decide about all."
  type        = list(string)
  default     = null
}

variable "polling" {
  description = <<-EOT
    How long a restore is followed. After attempt n, if the table is not ACTIVE, the next attempt starts
    `base_delay_seconds` × `backoff_rate`^(n-1) seconds later, at most `max_delay_seconds`, shortened at random by up to
    the share `jitter` (0 to 1). After `max_attempts` (2 to 990) the restore is given up and its message goes to the secondary DLQ.
    The output `wait` shows how long these values wait; with the defaults it is more than 24 hours.
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
}

variable "table_patterns" {
  description = "Which restores to follow, by table name with `*` for any run of characters: one of the `source` patterns must match the table restored from, and one of the `target` patterns the new table. They limit both the EventBridge rules and the worker's role."
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
    - `backup_jobs`: the restore jobs of AWS Backup, whose events need no trail. To ignore AWS Backup, also switch off
      `backups`.
    - `terraform`: restores that Terraform makes (`restore_source_name` and its like). False leaves those tables to the
      configuration that created them.
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
}

variable "change_pipelines" {
  description = <<-EOT
    Change pipelines: `{ orders = {} }` is enough for a table that exists and has a stream. While a restore of the table
    runs, its changes are captured; they are replayed into the restored table until you cut over. The key is the pipeline's
    label, which stands in the names of what is made: letters, digits, `_`, `.` and `-`.
    - `name`: the source table's name; null for the label. Give it where the name is known only once the table is made.
    - `stream`: null has the table's stream looked up; give `{ arn = …, view_type = … }` where the table is made in the same
      configuration. `look_up_stream`: false where all of `stream` is known only once the table is made.
    - `capture`: `on_restore` from the restore request on, reaching back 24 hours at most; `always` for restore points
      further back.
    - `filter`: patterns of Lambda's event filtering as JSON; changes that match none of them are not captured.
      `keep_expiries`: whether deletes by time to live are. `ttl_attribute`: for a global table, as in modules/change-pipeline.
    - `target_patterns`: which restored tables may be replayed into; null for names that are the source's followed by `-` and
      anything (`orders-*`).
    - `group_count` (1 to 1000): message groups of the buffer; change it only while no restore uses the pipeline.
      `byte_limit`: the largest message, in bytes. `replay_concurrency` (2 to 1000): replay invocations at once.
      `write_units_per_second`: write units of the restored table that replay may use; null for no limit.
      `read_units_per_second`: read units of the source table that it may use, for images that are not in the message; null for no limit.
    - `stream_reader`, `buffer`, `failure_bucket`, `table_kms_key_arns`: as in modules/change-pipeline.
    - `upkeep_interval_minutes` (1 to 60): how often the upkeep function runs.
    - `tags`: more tags for what belongs to this pipeline.
    - `lambda`: memory in MB of the three functions, each, and timeout in seconds of capture and replay; capture has at least
      240 s. `capture_reserved_concurrency`: invocations reserved for capture; null for none.
  EOT
  type = map(object({
    name                         = optional(string)
    stream                       = optional(object({ arn = string, view_type = string }))
    look_up_stream               = optional(bool)
    capture                      = optional(string, "on_restore")
    filter                       = optional(list(string), [])
    keep_expiries                = optional(bool, true)
    ttl_attribute                = optional(string)
    target_patterns              = optional(list(string))
    group_count                  = optional(number, 16)
    byte_limit                   = optional(number, 262144)
    replay_concurrency           = optional(number, 10)
    write_units_per_second       = optional(number)
    read_units_per_second        = optional(number)
    table_kms_key_arns           = optional(list(string), [])
    capture_reserved_concurrency = optional(number)
    upkeep_interval_minutes      = optional(number, 5)
    # No object: Terraform drops attributes that an object type does not know.
    stream_reader = optional(map(number), {})
    buffer = optional(object({
      visibility_timeout_seconds = optional(number)
      alarm_after_days           = optional(number, 10)
    }), {})
    failure_bucket = optional(object({
      create            = optional(bool, true)
      arn               = optional(string)
      kms_key_arn       = optional(string)
      expire_after_days = optional(number, 30)
      force_destroy     = optional(bool, false)
    }), {})
    tags = optional(map(string), {})
    lambda = optional(object({
      memory_size = optional(number, 512)
      timeout     = optional(number, 60)
    }), {})
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for label in keys(var.change_pipelines) : can(regex("^[A-Za-z0-9_.-]{1,255}$", label))])
    error_message = "A key of change_pipelines cannot be a label: ${join(", ", [for label in keys(var.change_pipelines) : "\"${label}\"" if !can(regex("^[A-Za-z0-9_.-]{1,255}$", label))])}. Give up to 255 letters, digits, _, . and -; the source table's name (not its ARN) is name, or else the label."
  }

  validation {
    condition = alltrue([
      for label, pipeline in var.change_pipelines :
      anytrue([for pattern in local.table_patterns.source : can(regex("^${replace(replace(pattern, ".", "\\."), "*", ".*")}$", pipeline.name == null ? label : pipeline.name))])
    ])
    error_message = "No restore of these tables would be seen, because no pattern in table_patterns.source matches them: ${join(", ", [for label, pipeline in var.change_pipelines : pipeline.name == null ? label : pipeline.name if !anytrue([for pattern in local.table_patterns.source : can(regex("^${replace(replace(pattern, ".", "\\."), "*", ".*")}$", pipeline.name == null ? label : pipeline.name))])])}. Add a pattern for each, or take it out of change_pipelines."
  }

  # Both would write the one registration that the functions know a table's pipeline by.
  validation {
    condition     = length(distinct([for label, pipeline in var.change_pipelines : pipeline.name == null ? label : pipeline.name])) == length(var.change_pipelines)
    error_message = "A table has two change pipelines: ${join(", ", distinct([for label, pipeline in var.change_pipelines : pipeline.name == null ? label : pipeline.name if length([for other, each in var.change_pipelines : other if(each.name == null ? other : each.name) == (pipeline.name == null ? label : pipeline.name)]) > 1]))}. Leave one in change_pipelines."
  }
}

variable "failure_buckets" {
  description = "Buckets of the estate's own that change pipelines of other configurations use, by ARN: the operator function looks there, before cutover, for changes that capture gave up. Those of `change_pipelines`, and those that pipelines make, need not be named."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "failure_bucket_kms_key_arns" {
  description = "Customer keys of `failure_buckets`, and of the buckets that change pipelines of other configurations make with a key of their own: the operator function reads there with them. Those of `change_pipelines` need not be named."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for arn in var.failure_bucket_kms_key_arns : can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", arn))])
    error_message = "This is not the ARN of a KMS key: ${join(", ", [for arn in var.failure_bucket_kms_key_arns : "\"${arn}\"" if !can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", arn))])}. Give the key's own ARN, which ends in key/ID. An alias's ARN in a policy grants nothing."
  }
}

variable "event_sources" {
  description = "Further event sources that the rules accept beside `aws.dynamodb` and `aws.backup`. AWS refuses events put by customers under `aws.*`, so you need a source of your own to rehearse a restore or to resend a missed event. Whoever may put events on the default bus can then start the worker. Leave it empty if that is too many people."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "lambda" {
  description = <<-EOT
    The worker function. All but `timeout`, `memory_size` and both concurrencies goes for the operator function and those
    of `change_pipelines` too.
    - `runtime`: python3.12, python3.13 or python3.14 (the last needs an AWS provider that knows it). `architecture`: arm64 or x86_64.
    - `memory_size` in MB, `timeout` in seconds.
    - `maximum_concurrency`: how many restores are handled at the same time (2 to 1000). Others wait in the queue; that uses no attempt.
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
}

variable "queue" {
  description = <<-EOT
    The restore queue and its secondary DLQ, in seconds.
    - `visibility_timeout_seconds`: how long a message stays invisible if the function is killed; at least six times `lambda.timeout`, which is also the value for null.
    - `message_retention_seconds`: must be longer than the longest wait of `polling`, plus one run of
      `lambda.timeout` for each attempt.
    - `dead_letter_retention_seconds`: how long the secondary DLQ keeps what could not be followed.
  EOT
  type = object({
    visibility_timeout_seconds    = optional(number)
    message_retention_seconds     = optional(number, 1209600)
    dead_letter_retention_seconds = optional(number, 1209600)
  })
  default  = {}
  nullable = false
}

variable "redrivers" {
  description = "Who may redrive messages of the secondary DLQ: ARNs of roles and users of this account, with `*` in the name for any run of characters. The policies of both queues deny sending to everybody except the rules and the module's own functions, whatever other policies allow. A redrive sends with the permissions of its caller. Whoever is named can make the worker follow any message: see docs/permissions.md#who-may-send-to-the-queues."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "notifications" {
  description = <<-EOT
    Who is notified.
    - `create_topic` creates an SNS topic for reports and alarms. To use your own topic, set it to false and give
      `topic_arn`. False alone means that nobody is notified. A topic of your own is a standard topic in this region, and must let CloudWatch
      alarms publish.
    - `topic_kms_key_arn`: the customer key of that topic; the functions may use it through SNS. The key's policy must let
      `cloudwatch.amazonaws.com` use it. A topic with the AWS managed key gets no alarms.
    - `event_bus_name`: name or ARN of the bus, of this account and region, that gets each report as an event.
  EOT
  type = object({
    create_topic      = optional(bool, true)
    topic_arn         = optional(string)
    topic_kms_key_arn = optional(string)
    event_bus_name    = optional(string, "default")
  })
  default  = {}
  nullable = false

  # CloudWatch alarms cannot publish to a FIFO topic, nor to one of another region
  # (docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html).
  validation {
    condition     = var.notifications.topic_arn == null ? true : can(regex("^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}$", var.notifications.topic_arn))
    error_message = "notifications.topic_arn \"${coalesce(var.notifications.topic_arn, "-")}\" is not the ARN of a standard SNS topic in this region: give the ARN of a topic that is no FIFO topic (.fifo) and lies in the region of the deployment."
  }

  validation {
    condition     = can(regex("^(arn:aws[a-z-]*:events:[a-z0-9-]+:[0-9]{12}:event-bus/)?[A-Za-z0-9._/-]{1,256}$", var.notifications.event_bus_name))
    error_message = "notifications.event_bus_name \"${coalesce(var.notifications.event_bus_name, "null")}\" is neither the name of an event bus nor the ARN of one in this account and region: give the bus's name, such as \"default\"."
  }

  validation {
    condition     = var.notifications.topic_kms_key_arn == null ? true : can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", var.notifications.topic_kms_key_arn))
    error_message = "notifications.topic_kms_key_arn \"${coalesce(var.notifications.topic_kms_key_arn, "-")}\" is not the ARN of a KMS key in this region: give the key's own ARN, which ends in key/ID. An alias's ARN in a policy grants nothing."
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
}

variable "reconciler" {
  description = "A function that looks every `interval_minutes` (1 to 60) for restores that are not followed, because their event never arrived or their message was lost. `enabled`: whether to create it. `tags`: more tags for it."
  type = object({
    enabled          = optional(bool, true)
    interval_minutes = optional(number, 15)
    tags             = optional(map(string), {})
  })
  default  = {}
  nullable = false
}

variable "trail" {
  description = <<-EOT
    A CloudTrail trail, for an account that has none. Without a trail EventBridge sees no restore call. A second trail costs
    money: docs/restores.md#cloudtrail says how to check whether you have one.
    - `enabled`: whether to make one. `multi_region`: of all regions, not just this one.
    - `expire_after_days`: when its logs are deleted. `force_destroy`: whether a destroy may delete the bucket with them.
    - `tags`: more tags for trail and bucket.
  EOT
  type = object({
    enabled           = optional(bool, false)
    multi_region      = optional(bool, false)
    expire_after_days = optional(number, 90)
    force_destroy     = optional(bool, false)
    tags              = optional(map(string), {})
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
}

variable "encryption" {
  description = "`kms_key_arn`: one customer KMS key for queues, topic, restore table, function environment, logs and the trail; null means keys that AWS owns or manages. Its key policy must let `events.amazonaws.com`, `cloudwatch.amazonaws.com` and `logs.REGION.amazonaws.com` use it, and `cloudtrail.amazonaws.com` where a trail is made."
  type = object({
    kms_key_arn = optional(string)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.encryption.kms_key_arn == null ? true : can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", var.encryption.kms_key_arn))
    error_message = "encryption.kms_key_arn \"${coalesce(var.encryption.kms_key_arn, "-")}\" is not the ARN of a KMS key in this region: give the key's own ARN, which ends in key/ID. An alias's ARN in a policy grants nothing."
  }
}

variable "artifacts" {
  description = "Location of the zip files, if not in this module: `code` and `layer`, each an object in S3 (bucket in this region) with `source_hash`, the base64 SHA-256 of the zip (`openssl dgst -sha256 -binary FILE | base64`). Null uses the zip file in the module, which needs no build."
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
