variable "region" {
  description = "Region of the table. A CloudTrail trail must record its management events."
  type        = string
  default     = "us-east-1"
}

variable "name" {
  description = "Prefix of every name."
  type        = string
  default     = "dynamodb-restore"
}

variable "tags" {
  description = "Tags for everything that can be tagged."
  type        = map(string)
  default     = {}
}

variable "table" {
  description = "The table whose changes are to be captured while it is restored. It exists and has a stream. Null makes one."
  type        = string
  default     = null
}

variable "capture" {
  description = "`on_restore` for restore points of the last 24 hours, at no cost until then; `always` for older ones."
  type        = string
  default     = "on_restore"
}

variable "target_patterns" {
  description = "Which restored tables may be replayed into; null for names that begin with the source's and `-`."
  type        = list(string)
  default     = null
}

variable "write_units_per_second" {
  description = "What replay may use of the restored table's write capacity; null for no limit."
  type        = number
  default     = null
}

variable "failure_bucket" {
  description = "Bucket for records that could not be captured: one is made, or `{ create = false, arn = … }`."
  type = object({
    create      = optional(bool, true)
    arn         = optional(string)
    kms_key_arn = optional(string)
  })
  default = {}
}

variable "drill_patterns" {
  description = "Names of restored tables that are drills: they never take the pipeline, and get what describes a table alone."
  type        = list(string)
  default     = ["*-drill"]
}

variable "event_sources" {
  description = "Event sources of your own that the rule accepts, to rehearse a restore."
  type        = list(string)
  default     = []
}

variable "email" {
  description = "Address that gets reports and the alarm; null for none."
  type        = string
  default     = null
}
