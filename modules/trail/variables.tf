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

variable "multi_region" {
  description = "Whether the trail records all regions of the account, for deployments in several of them; otherwise just this one."
  type        = bool
  default     = false
  nullable    = false
}

variable "expire_after_days" {
  description = "After how many days S3 deletes the logs. The module itself never reads them."
  type        = number
  default     = 90
  nullable    = false

  validation {
    condition     = var.expire_after_days >= 1 && floor(var.expire_after_days) == var.expire_after_days
    error_message = "trail.expire_after_days is ${var.expire_after_days}: set it to a whole number of days, 1 or more."
  }
}

variable "force_destroy" {
  description = "Whether `terraform destroy` may delete the bucket with the logs in it."
  type        = bool
  default     = false
  nullable    = false
}

variable "kms_key_arn" {
  description = "Customer KMS key for the logs, of this region; null means S3's own encryption. Its key policy must let `cloudtrail.amazonaws.com` use `kms:GenerateDataKey*` and `kms:DescribeKey`."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null ? true : can(regex("^arn:aws[a-z-]*:kms:${data.aws_region.current.id}:[0-9]{12}:key/[A-Za-z0-9-]+$", var.kms_key_arn))
    error_message = "kms_key_arn \"${coalesce(var.kms_key_arn, "-")}\" is not the ARN of a KMS key in region ${data.aws_region.current.id}: give the key's own ARN, which ends in key/ID. An alias's ARN in a policy grants nothing."
  }
}
