output "trail" {
  description = "The trail: name and ARN."
  value = {
    name = aws_cloudtrail.this.name
    arn  = aws_cloudtrail.this.arn
  }
}

output "bucket" {
  description = "The bucket with its logs: name and ARN."
  value = {
    name = aws_s3_bucket.logs.bucket
    arn  = aws_s3_bucket.logs.arn
  }
}
