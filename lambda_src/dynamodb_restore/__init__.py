"""Follow every DynamoDB restore: give the restored table the settings that DynamoDB leaves behind."""
