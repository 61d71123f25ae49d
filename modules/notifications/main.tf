# Who hears of what goes wrong, and of each restore that ends: one topic for reports and alarms, made or given.
data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  partition = data.aws_partition.current.partition
  account   = data.aws_caller_identity.current.account_id
  region    = data.aws_region.current.id

  tags = merge(module.names.tags, var.tags)
}

module "names" {
  source = "../names"

  name   = var.name
  wanted = { topic = { suffix = "notifications", limit = 256 } }
}

# Encrypted only with a customer key. With the AWS managed key (alias/aws/sns) alarms could not publish:
# CloudWatch needs a key policy that lets it use the key, and that key's policy cannot be changed
# (repost.aws/knowledge-center/cloudwatch-configure-alarm-sns). A topic without a key still travels over TLS and
# SNS keeps its messages on disks that AWS encrypts.
resource "aws_sns_topic" "notifications" {
  count = var.create_topic ? 1 : 0

  name              = module.names.names.topic
  kms_master_key_id = var.kms_key_arn
  tags              = local.tags
}

data "aws_iam_policy_document" "topic" {
  count = var.create_topic ? 1 : 0

  statement {
    sid       = "AlarmsOfTheDeploymentPublish"
    actions   = ["sns:Publish"]
    resources = [aws_sns_topic.notifications[0].arn]

    principals {
      type        = "Service"
      identifiers = ["cloudwatch.amazonaws.com"]
    }

    # By name, so that a further alarm needs no further word here: all alarms of a deployment are called after it. Those of a
    # deployment whose name goes on after this one's could publish here too, if they were told to; they are of this account.
    condition {
      test     = "ArnLike"
      variable = "aws:SourceArn"
      values   = ["arn:${local.partition}:cloudwatch:${local.region}:${local.account}:alarm:${var.name}-*"]
    }
  }

  statement {
    sid       = "DenyPlainText"
    effect    = "Deny"
    actions   = ["sns:Publish"]
    resources = [aws_sns_topic.notifications[0].arn]

    # Every principal: what is denied is the transport.
    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

resource "aws_sns_topic_policy" "notifications" {
  count = var.create_topic ? 1 : 0

  arn    = aws_sns_topic.notifications[0].arn
  policy = data.aws_iam_policy_document.topic[0].json
}
