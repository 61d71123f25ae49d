variable "region" {
  description = "Region to follow restores in. A CloudTrail trail must record its management events, or `trail` make one."
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
  description = "Which settings of the source table the restored one gets, by name. What is not named here has its default: all are on but warm_throughput and replicas."
  type        = map(bool)
  default     = {}
}

variable "overrides" {
  description = "Restores that are treated otherwise, by table names of source and target. The first that matches holds."
  type = list(object({
    source   = optional(string, "*")
    target   = optional(string, "*")
    settings = optional(map(bool), {})
    hold     = optional(set(string), [])
    follow   = optional(bool, true)
    notify   = optional(bool)
  }))
  default = []
}

variable "drill_patterns" {
  description = "Names of restored tables that are drills: they get what describes a table, and nothing that costs, protects or acts outside."
  type        = list(string)
  default     = ["*-drill"]
}

variable "table_patterns" {
  description = "Which restores to follow, by table names of source and target."
  type        = map(list(string))
  default     = {}
}

variable "trail" {
  description = "A CloudTrail trail, for an account that has none."
  type = object({
    enabled       = optional(bool, false)
    force_destroy = optional(bool, false)
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

variable "redrivers" {
  description = "Roles and users that may send the secondary DLQ's messages round again, by ARN."
  type        = list(string)
  default     = []
}
