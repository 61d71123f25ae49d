variable "region" {
  description = "Region to follow restores in. A CloudTrail trail must record its management events."
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

variable "settings" {
  description = "Which settings of the source table the restored one gets; all that are not named here."
  type = object({
    tags                   = optional(bool, true)
    ttl                    = optional(bool, true)
    stream                 = optional(bool, true)
    stream_triggers        = optional(bool, true)
    kinesis_destination    = optional(bool, true)
    point_in_time_recovery = optional(bool, true)
    auto_scaling           = optional(bool, true)
  })
  default = {}
}

variable "table_patterns" {
  description = "Which restores to follow, by table names of source and target."
  type = object({
    source = optional(list(string), ["*"])
    target = optional(list(string), ["*"])
  })
  default = {}
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
