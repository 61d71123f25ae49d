variable "function" {
  description = <<-EOT
    The function to make.
    - `name`, `description`, `handler`, `environment`, `layers` (ARNs): as Lambda knows them.
    - `role_name`: name of its role. IAM is global in an account, so the caller puts the region into it.
    - `code`: the zip, from exactly one place. `filename` is a local path; `s3` is a bucket and key (and version)
      with `source_hash`, the base64 SHA-256 of the zip, by which Terraform sees that the object's content changed.
    - `runtime`, `architecture`, `memory_size` (MB), `timeout` (seconds).
    - `reserved_concurrency`: null leaves the function in the account's shared pool.
    - `log_level`, `log_retention_days`: 0 days keeps logs for ever.
    - `tracing`: X-Ray active tracing.
    - `permissions_boundary`: policy ARN for the role. `role_path`: their path in IAM, such as `/service/`. `kms_key_arn`: customer key for environment and logs.
    - `vpc`: `subnet_ids` and `security_group_ids` to run in; null for no VPC. From there every AWS service that the functions
      call must be reachable, through endpoints or NAT.
  EOT
  type = object({
    name        = string
    role_name   = string
    description = string
    handler     = string
    environment = optional(map(string), {})
    layers      = optional(list(string), [])
    code = object({
      filename = optional(string)
      s3 = optional(object({
        bucket         = string
        key            = string
        object_version = optional(string)
        source_hash    = string
      }))
    })
    runtime              = optional(string, "python3.13")
    architecture         = optional(string, "arm64")
    memory_size          = optional(number, 256)
    timeout              = optional(number, 120)
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
    kms_key_arn = optional(string)
  })
  nullable = false

  validation {
    condition     = (var.function.code.filename == null) != (var.function.code.s3 == null)
    error_message = "The code of ${var.function.name} must come from exactly one place: set either code.filename or code.s3."
  }

  validation {
    condition     = contains(["python3.12", "python3.13", "python3.14"], var.function.runtime)
    error_message = "Runtime \"${var.function.runtime}\" is not supported: set lambda.runtime to python3.12, python3.13 or python3.14."
  }

  validation {
    condition     = contains(["arm64", "x86_64"], var.function.architecture)
    error_message = "Architecture \"${var.function.architecture}\" is not one of Lambda's: set lambda.architecture to arm64 or x86_64."
  }

  validation {
    condition     = var.function.memory_size >= 128 && var.function.memory_size <= 10240 && floor(var.function.memory_size) == var.function.memory_size
    error_message = "Memory of ${var.function.memory_size} MB is outside Lambda's limits: set lambda.memory_size to a whole number from 128 to 10240."
  }

  validation {
    condition     = var.function.timeout >= 1 && var.function.timeout <= 900 && floor(var.function.timeout) == var.function.timeout
    error_message = "A timeout of ${var.function.timeout} s is outside Lambda's limits: set lambda.timeout to a whole number of seconds from 1 to 900."
  }

  validation {
    condition     = var.function.reserved_concurrency == null ? true : var.function.reserved_concurrency >= 1
    error_message = "A reserved concurrency below 1 switches the function off: set lambda.reserved_concurrency to 1 or more, or leave it out for none reserved."
  }

  validation {
    condition     = contains(["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"], var.function.log_level)
    error_message = "Log level \"${var.function.log_level}\" is unknown: set lambda.log_level to DEBUG, INFO, WARNING, ERROR or CRITICAL."
  }

  validation {
    condition = contains(
      [0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653],
      var.function.log_retention_days,
    )
    error_message = "CloudWatch Logs has no retention of ${var.function.log_retention_days} days: set lambda.log_retention_days to one it offers, such as 7, 14, 30, 90, 365, or 0 for ever."
  }

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,64}$", var.function.name)) && can(regex("^[A-Za-z0-9_+=,.@-]{1,64}$", var.function.role_name))
    error_message = "\"${var.function.name}\" cannot be the name of a function, or \"${var.function.role_name}\" that of a role: use up to 64 letters, digits, - and _."
  }

  validation {
    condition     = alltrue([for arn in var.function.layers : can(regex("^arn:aws[a-z-]*:lambda:[a-z0-9-]+:[0-9]{12}:layer:[A-Za-z0-9_-]+:[0-9]+$", arn))])
    error_message = "A layer of ${var.function.name} is not the ARN of a layer's version: ${join(", ", [for arn in var.function.layers : "\"${arn}\"" if !can(regex("^arn:aws[a-z-]*:lambda:[a-z0-9-]+:[0-9]{12}:layer:[A-Za-z0-9_-]+:[0-9]+$", arn))])}. Give ARNs that end in layer:NAME:VERSION."
  }

  validation {
    condition     = var.function.permissions_boundary == null ? true : can(regex("^arn:aws[a-z-]*:iam::(aws|[0-9]{12}):policy/[A-Za-z0-9_+=,.@/-]+$", var.function.permissions_boundary))
    error_message = "lambda.permissions_boundary \"${coalesce(var.function.permissions_boundary, "-")}\" is not the ARN of a managed policy: give one such as arn:aws:iam::123456789012:policy/boundary."
  }

  validation {
    condition     = can(regex("^/([!-~]{0,510}/)?$", var.function.role_path))
    error_message = "lambda.role_path \"${coalesce(var.function.role_path, "null")}\" is no path of IAM: begin and end it with /, such as \"/service/\"."
  }

  validation {
    condition     = var.function.vpc == null ? true : length(var.function.vpc.subnet_ids) > 0 && length(var.function.vpc.security_group_ids) > 0
    error_message = "lambda.vpc needs at least one of subnet_ids and one of security_group_ids: give both, or leave vpc out."
  }

  validation {
    condition     = var.function.vpc == null ? true : alltrue([for id in var.function.vpc.subnet_ids : can(regex("^subnet-[0-9a-f]+$", id))]) && alltrue([for id in var.function.vpc.security_group_ids : can(regex("^sg-[0-9a-f]+$", id))])
    error_message = "lambda.vpc has an id that is none: ${join(", ", [for id in try(concat(tolist(var.function.vpc.subnet_ids), tolist(var.function.vpc.security_group_ids)), []) : "\"${id}\"" if !can(regex("^(subnet|sg)-[0-9a-f]+$", id))])}. Give subnet_ids such as \"subnet-0123abcd\" and security_group_ids such as \"sg-0123abcd\"."
  }

  validation {
    condition     = var.function.kms_key_arn == null ? true : can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", var.function.kms_key_arn))
    error_message = "kms_key_arn \"${coalesce(var.function.kms_key_arn, "-")}\" is not the ARN of a KMS key: give the key's own ARN, which ends in key/ID."
  }
}

variable "tags" {
  description = "Tags for the function, its role and its log group."
  type        = map(string)
  default     = {}
  nullable    = false
}
