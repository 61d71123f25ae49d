output "function" {
  description = "The function: its name and ARN."
  value = {
    name = aws_lambda_function.this.function_name
    arn  = aws_lambda_function.this.arn
  }
}

output "role" {
  description = "The function's role, for feature modules to attach their own policies to: its name and ARN."
  value = {
    name = aws_iam_role.this.name
    arn  = aws_iam_role.this.arn
  }
}

output "log_group" {
  description = "The function's log group: its name and ARN."
  value = {
    name = aws_cloudwatch_log_group.this.name
    arn  = aws_cloudwatch_log_group.this.arn
  }
}
