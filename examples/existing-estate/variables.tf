variable "region" {
  description = "Region of the estate. A CloudTrail trail must record its management events."
  type        = string
  default     = "us-east-1"
}

variable "name" {
  description = "Prefix of every name."
  type        = string
  default     = "estate"
}

variable "tags" {
  description = "Tags for everything that can be tagged."
  type        = map(string)
  default     = {}
}

variable "event_sources" {
  description = "Event sources of your own that the rule accepts, to rehearse a restore."
  type        = list(string)
  default     = []
}

variable "redrivers" {
  description = "Roles and users that may send the secondary DLQ's messages round again, by ARN."
  type        = list(string)
  default     = []
}
