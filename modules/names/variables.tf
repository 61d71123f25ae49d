variable "name" {
  description = "The deployment's name, with which every name begins: lower-case letters, digits and single hyphens, at most 24 characters. It is never cut and never replaced."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9]+(-[a-z0-9]+)*$", var.name)) && length(var.name) <= 24
    error_message = "The name \"${var.name}\" does not fit everything that is made: set name to at most 24 lower-case letters, digits and single hyphens between them."
  }

  # A bucket's name begins with it, and S3 keeps some beginnings for itself
  # (docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html).
  validation {
    condition     = !can(regex("^(xn|sthree(-.*)?|amzn-s3-demo(-.*)?)$", var.name))
    error_message = "S3 keeps bucket names that begin with \"${var.name}-\" for itself: choose another name."
  }
}

variable "label" {
  description = "The label of a change pipeline, with the characters that table names have; null for what a deployment has once."
  type        = string
  default     = null

  validation {
    condition     = var.label == null ? true : can(regex("^[A-Za-z0-9_.-]{1,255}$", var.label))
    error_message = "The label \"${coalesce(var.label, "-")}\" of a change pipeline has an illegal character or length: use 1 to 255 letters, digits, _, . and -."
  }
}

variable "wanted" {
  description = <<-EOT
    The names to make.
    - `suffix`: what the name ends in; it is never cut.
    - `limit`: how many characters the service takes.
    - `characters`: `table` for what takes all that table names have, `function` for no dot, `bucket` for no capital, no dot
      and no underscore either, `iam` for names that IAM does not tell apart by their case.
    - `hashed`: what else makes the name another one, and is told by the hash alone.
  EOT
  type = map(object({
    suffix     = string
    limit      = number
    characters = optional(string, "table")
    hashed     = optional(string, "")
  }))
  nullable = false

  validation {
    condition     = alltrue([for name in var.wanted : contains(["table", "function", "bucket", "iam"], name.characters)])
    error_message = "characters must be table, function, bucket or iam."
  }

  # name, two hyphens, a character of the label, a hyphen with the hash, and a hyphen before the suffix.
  validation {
    condition     = alltrue([for name in var.wanted : length(name.suffix) + (var.label == null && name.hashed == "" ? 25 : 37) <= name.limit])
    error_message = "These leave a name of 24 characters no room: ${join(", ", [for key, name in var.wanted : key if length(name.suffix) + (var.label == null && name.hashed == "" ? 25 : 37) > name.limit])}. Shorten the suffix."
  }
}
