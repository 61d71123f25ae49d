# What settings and findings take: for each what it needs, and nothing for one that is on nowhere. Which statements that are, with
# the reason for each wildcard, is written beside the code (`make catalog`); docs/permissions.md has them as tables. Actions of
# DynamoDB on the same tables are one statement, so that a policy has room for many patterns; all else is a statement of its own.
locals {
  # A wildcard here is the user's own pattern: which tables will be restored, and under which names, is known only
  # when it happens.
  target_arns = [
    for pattern in distinct(local.table_patterns.target) :
    "arn:${local.partition}:dynamodb:${local.region}:${local.account}:table/${pattern}"
  ]
  source_arns = flatten([
    for region in local.regions : [
      for pattern in distinct(local.table_patterns.source) :
      "arn:${local.partition}:dynamodb:${region}:${local.account}:table/${pattern}"
    ]
  ])
  table_arns = distinct(concat(local.source_arns, local.target_arns))

  # Functions of which triggers may be created, by ARN: a name is one of this account and region.
  attachable_functions = [
    for pattern in distinct(local.attachable.functions) :
    startswith(pattern, "arn:") ? pattern : "arn:${local.partition}:lambda:${local.region}:${local.account}:function:${pattern}"
  ]

  # Where settings are read. They are written in this region alone, but for replicas.
  regions = concat([local.region], local.source_regions)

  # Which indexes a table has, and by which time its stream is named, is the table's own.
  table_parts = { Tables = "", Indexes = "/index/*", Streams = "/stream/*" }

  # What searches read of the tables themselves. The operator gets it too: it is one statement with what settings read.
  finding_table_reads = flatten([for finding in local.catalogue.findings : finding.table_reads if local.findings[finding.name]])

  # `read` on source and target, `write` on the target alone. DescribeTable is common to all.
  table_permissions = {
    for setting in local.catalogue.settings :
    setting.name => { read = setting.table_reads, write = setting.table_writes } if local.switched_on[setting.name]
  }

  table_statements = concat(
    [
      for part, suffix in local.table_parts : {
        sid       = "Read${part}"
        resources = [for arn in local.table_arns : "${arn}${suffix}"]
        actions = distinct(concat(
          part == "Tables" ? concat(["dynamodb:DescribeTable"], local.finding_table_reads) : [],
          flatten([for permissions in local.table_permissions : permissions.read[lower(part)]]),
        ))
      }
    ],
    [
      for part, suffix in local.table_parts : {
        sid       = "Write${part}"
        resources = [for arn in local.target_arns : "${arn}${suffix}"]
        actions   = distinct(flatten([for permissions in local.table_permissions : permissions.write[lower(part)]]))
      }
    ],
    [
      # The tag that controls a restore is read also where tags are not cloned, and no search reads them.
      {
        sid       = "ReadControlTag"
        resources = local.source_arns
        actions   = var.control_tag == null || local.switched_on["tags"] ? [] : tolist(setsubtract(["dynamodb:ListTagsOfResource"], local.finding_table_reads))
      },
    ],
  )

  # What the names in a statement stand for (lambda_src/dynamodb_restore/permissions.py).
  placeholders = {
    "{partition}"  = local.partition
    "{region}"     = local.region
    "{account}"    = local.account
    "{dns_suffix}" = data.aws_partition.current.dns_suffix
  }
  # A text with one of these becomes a text for each value.
  placeholder_lists = {
    each_region = local.regions
    each_target = distinct(local.table_patterns.target)
    # With or without an alias or a version.
    each_attachable_function = contains(local.attachable.functions, "*") ? [] : flatten([for arn in local.attachable_functions : [arn, "${arn}:*"]])
    each_attachable_stream = [
      for pattern in local.attachable.kinesis_streams :
      startswith(pattern, "arn:") ? pattern : "arn:${local.partition}:kinesis:${local.region}:${local.account}:stream/${pattern}"
    ]
  }

  # All statements, whether they are wanted or not.
  catalogue_statements = flatten([for entry in concat(local.catalogue.settings, local.catalogue.findings) : entry.statements])

  # Each text of theirs with what it comes to. What has a name that is not known fails.
  resolved = {
    for text in distinct(flatten([
      for statement in local.catalogue_statements : concat(statement.resources, flatten(statement.conditions[*].values))
    ])) :
    text => [
      for value in strcontains(text, "{each_") ? local.placeholder_lists[regex("each_\\w+", text)] : [""] :
      join("", [
        for piece in regexall("\\{\\w+\\}|[^{]+", text) :
        startswith(piece, "{each_") ? value : startswith(piece, "{") ? local.placeholders[piece] : piece
      ])
    ]
  }

  statements = {
    for entry in concat(local.catalogue.settings, local.catalogue.findings) : entry.name => [
      for statement in entry.statements : {
        sid       = statement.sid
        actions   = statement.actions
        resources = flatten([for resource in statement.resources : local.resolved[resource]])
        conditions = [
          for condition in statement.conditions : {
            test     = condition.test
            variable = condition.variable
            values   = flatten([for value in condition.values : local.resolved[value]])
          }
          # What narrows by the user's choice has no value where they chose everything.
          if !condition.narrows || length(flatten([for value in condition.values : local.resolved[value]])) > 0
        ]
      }
    ]
  }

  service_statements = flatten([for setting in local.known_settings : local.statements[setting] if local.switched_on[setting]])
  # Several policies, because together they would outgrow one. IAM takes none that is empty.
  settings_policies = {
    for part, statements in {
      tables   = [for statement in local.table_statements : statement if length(statement.actions) > 0]
      services = [for statement in local.service_statements : statement if !startswith(statement.actions[0], "kms:")]
      keys     = [for statement in local.service_statements : statement if startswith(statement.actions[0], "kms:")]
      findings = flatten([for finding in local.known_findings : local.statements[finding] if local.findings[finding]])
    } : part => statements if length(statements) > 0
  }

  # What IAM allows a managed policy, white space not counted.
  settings_policy_limit = 6144
  settings_policy_sizes = { for part, document in data.aws_iam_policy_document.settings : part => length(document.minified_json) }
}

data "aws_iam_policy_document" "settings" {
  for_each = local.settings_policies

  dynamic "statement" {
    for_each = each.value

    content {
      sid       = statement.value.sid
      actions   = statement.value.actions
      resources = statement.value.resources

      dynamic "condition" {
        for_each = try(statement.value.conditions, [])

        content {
          test     = condition.value.test
          variable = condition.value.variable
          values   = condition.value.values
        }
      }
    }
  }
}

# Policies of their own, because cutover applies settings as the worker does, and because the inline policies of a role
# have 10240 characters together.
resource "aws_iam_policy" "settings" {
  for_each = local.settings_policies

  name        = local.names["${each.key}_policy"]
  description = "What the settings that ${var.name} clones take: ${each.key}"
  policy      = data.aws_iam_policy_document.settings[each.key].json
  tags        = local.tags

  lifecycle {
    precondition {
      condition     = local.settings_policy_sizes[each.key] <= local.settings_policy_limit
      error_message = "The policy ${local.names["${each.key}_policy"]} would have ${local.settings_policy_sizes[each.key]} characters, and IAM takes ${local.settings_policy_limit}: use fewer or wider patterns in table_patterns, or fewer source_regions."
    }
  }
}

resource "aws_iam_role_policy_attachment" "settings" {
  for_each = {
    for pair in setproduct(keys(local.roles), keys(local.settings_policies)) :
    join("-", pair) => { role = pair[0], part = pair[1] }
    # The worker alone looks for what cannot be cloned.
    if pair[1] != "findings" || pair[0] == "worker"
  }

  role       = local.roles[each.value.role].name
  policy_arn = aws_iam_policy.settings[each.value.part].arn
}
