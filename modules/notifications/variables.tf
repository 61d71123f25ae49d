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

  # CloudWatch alarms cannot publish to a FIFO topic, nor to one of another region
  # (docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html).
  validation {
    condition     = var.topic_arn == null ? true : can(regex("^arn:aws[a-z-]*:sns:${data.aws_region.current.id}:[0-9]{12}:[A-Za-z0-9_-]{1,256}$", var.topic_arn))
    error_message = "notifications.topic_arn \"${coalesce(var.topic_arn, "-")}\" is not the ARN of a standard SNS topic in region ${data.aws_region.current.id}: give the ARN of a topic that is no FIFO topic (.fifo) and lies in the region of the deployment."
  }
}

variable "kms_key_arn" {
  description = "Customer KMS key for the topic that is made; null means none. Its key policy must let `cloudwatch.amazonaws.com` use `kms:GenerateDataKey` and `kms:Decrypt`."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null ? true : can(regex("^arn:aws[a-z-]*:kms:${data.aws_region.current.id}:[0-9]{12}:key/[A-Za-z0-9-]+$", var.kms_key_arn))
    error_message = "kms_key_arn \"${coalesce(var.kms_key_arn, "-")}\" is not the ARN of a KMS key in region ${data.aws_region.current.id}: give the key's own ARN, which ends in key/ID. An alias's ARN in a policy grants nothing."
  }
}
