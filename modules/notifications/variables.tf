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

variable "create_topic" {
  description = "Whether to make an SNS topic; to use one of your own set it to false and give `topic_arn`. False alone means that nobody is notified."
  type        = bool
  default     = true
  nullable    = false
}

variable "topic_arn" {
  description = "A topic of your own. It must let CloudWatch alarms publish, and if it is encrypted, with a customer key."
  type        = string
  default     = null

  validation {
    condition     = !(var.create_topic && var.topic_arn != null)
    error_message = "A topic is given and one would be made too: set notifications.create_topic to false to use notifications.topic_arn, or leave topic_arn out."
  }
}

variable "kms_key_arn" {
  description = "Customer KMS key for the topic that is made; null means none. Its key policy must let `cloudwatch.amazonaws.com` use `kms:GenerateDataKey` and `kms:Decrypt`."
  type        = string
  default     = null
}
