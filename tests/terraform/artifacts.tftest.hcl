# A git or registry source must apply with no build step, so the zips come with the module; an organisation that deploys
# from a bucket must be able to say so. Which of the two is silent until a deployment runs the wrong code.

mock_provider "aws" {
  source = "./tests/terraform/mocks"
}

variables {
  name = "demo"
  restore_queue = {
    url                        = "https://sqs.us-east-1.amazonaws.com/123456789012/demo-restores"
    arn                        = "arn:aws:sqs:us-east-1:123456789012:demo-restores"
    visibility_timeout_seconds = 720
    message_retention_seconds  = 604800
  }
  dead_letter_queue = {
    url = "https://sqs.us-east-1.amazonaws.com/123456789012/demo-restores-dlq"
    arn = "arn:aws:sqs:us-east-1:123456789012:demo-restores-dlq"
  }
}

run "by_default_the_zips_of_the_module_are_deployed" {
  module {
    source = "./modules/restore-worker"
  }

  assert {
    condition     = endswith(aws_lambda_layer_version.dependencies.filename, "modules/restore-worker/../../dist/dependencies_layer.zip") && aws_lambda_layer_version.dependencies.s3_bucket == null
    error_message = "Layer: ${jsonencode([aws_lambda_layer_version.dependencies.filename, aws_lambda_layer_version.dependencies.s3_bucket])}"
  }

  assert {
    condition     = endswith(local.function.code.filename, "modules/restore-worker/../../dist/dynamodb_restore.zip") && local.function.code.s3 == null && local.function.handler == "dynamodb_restore.handlers.restore_worker.handler"
    error_message = "Code: ${jsonencode(local.function.code)}, handler ${local.function.handler}"
  }

  assert {
    condition     = aws_lambda_layer_version.dependencies.source_code_hash == filebase64sha256("dist/dependencies_layer.zip")
    error_message = "Layer hash: ${aws_lambda_layer_version.dependencies.source_code_hash}"
  }
}

run "the_layer_may_come_from_a_bucket" {
  module {
    source = "./modules/restore-worker"
  }

  variables {
    artifacts = {
      layer = { bucket = "builds", key = "layer.zip", object_version = "v7", source_hash = "2sHXz6lQIXZISf0QJSThQUiMXjqQ+GHbtaEtmshYT4U=" }
    }
  }

  assert {
    condition     = aws_lambda_layer_version.dependencies.filename == null && [aws_lambda_layer_version.dependencies.s3_bucket, aws_lambda_layer_version.dependencies.s3_key, aws_lambda_layer_version.dependencies.s3_object_version, aws_lambda_layer_version.dependencies.source_code_hash] == ["builds", "layer.zip", "v7", "2sHXz6lQIXZISf0QJSThQUiMXjqQ+GHbtaEtmshYT4U="]
    error_message = "Layer: ${jsonencode([aws_lambda_layer_version.dependencies.filename, aws_lambda_layer_version.dependencies.s3_bucket, aws_lambda_layer_version.dependencies.s3_key])}"
  }
}

run "the_code_may_come_from_a_bucket" {
  module {
    source = "./modules/restore-worker"
  }

  variables {
    artifacts = {
      code = { bucket = "builds", key = "code.zip", source_hash = "VpTQii5T/8rgwxA+Wtb2B2q9lg6x+KVldwQLwQKPcCs=" }
    }
  }

  assert {
    condition     = local.function.code.filename == null && local.function.code.s3.bucket == "builds" && local.function.code.s3.key == "code.zip" && local.function.code.s3.source_hash == "VpTQii5T/8rgwxA+Wtb2B2q9lg6x+KVldwQLwQKPcCs="
    error_message = "Code: ${jsonencode(local.function.code)}"
  }
}

run "code_from_a_bucket_is_deployed_by_its_hash" {
  module {
    source = "./modules/lambda"
  }

  variables {
    function = {
      name        = "demo"
      role_name   = "demo"
      description = "demo"
      handler     = "demo.handler"
      code        = { s3 = { bucket = "builds", key = "code.zip", object_version = "v7", source_hash = "VpTQii5T/8rgwxA+Wtb2B2q9lg6x+KVldwQLwQKPcCs=" } }
    }
  }

  assert {
    condition     = aws_lambda_function.this.filename == null && [aws_lambda_function.this.s3_bucket, aws_lambda_function.this.s3_key, aws_lambda_function.this.s3_object_version, aws_lambda_function.this.source_code_hash] == ["builds", "code.zip", "v7", "VpTQii5T/8rgwxA+Wtb2B2q9lg6x+KVldwQLwQKPcCs="]
    error_message = "Code: ${jsonencode([aws_lambda_function.this.filename, aws_lambda_function.this.s3_bucket, aws_lambda_function.this.s3_key])}"
  }
}

run "code_from_a_file_is_deployed_by_its_content" {
  module {
    source = "./modules/lambda"
  }

  variables {
    function = {
      name        = "demo"
      role_name   = "demo"
      description = "demo"
      handler     = "demo.handler"
      code        = { filename = "./dist/dynamodb_restore.zip" }
    }
  }

  assert {
    condition     = aws_lambda_function.this.s3_bucket == null && aws_lambda_function.this.filename == "./dist/dynamodb_restore.zip" && aws_lambda_function.this.source_code_hash == filebase64sha256("dist/dynamodb_restore.zip")
    error_message = "Code: ${jsonencode([aws_lambda_function.this.filename, aws_lambda_function.this.source_code_hash])}"
  }
}
