# With `create = false` every output is null.

output "function" {
  description = "The restore worker: function name and ARN."
  value       = one(module.restore_worker[*].function)
}

output "role" {
  description = "The restore worker's role: name and ARN."
  value       = one(module.restore_worker[*].role)
}

output "log_group" {
  description = "The restore worker's log group: name and ARN."
  value       = one(module.restore_worker[*].log_group)
}

output "restore_queue" {
  description = "The restore queue: name, URL, ARN, visibility timeout and message retention."
  value       = one(module.restore_events[*].queue)
}

output "dead_letter_queue" {
  description = "The secondary DLQ, where restores end that could not be followed and events that could not be delivered: name, URL, ARN."
  value       = one(module.restore_events[*].dead_letter_queue)
}

output "rules" {
  description = "The EventBridge rules on the default bus, `calls` for restore calls and `jobs` for restore jobs of AWS Backup: name, ARN and event pattern of each that `follow` asks for."
  value       = one(module.restore_events[*].rules)
}

output "alarm" {
  description = "The alarm on the secondary DLQ: name and ARN."
  value       = one(module.restore_events[*].alarm)
}

output "alarms" {
  description = "The other alarms on restores: `given_up`, which counts what is given up each time anew, `failing` and `slow` on the worker; each with name and ARN."
  value = var.create ? merge(
    { given_up = module.restore_events[0].given_up_alarm },
    module.restore_worker[0].alarms,
  ) : null
}

output "topic_arn" {
  description = "The SNS topic for reports and the alarm, made or given; null where nobody is to be notified."
  value       = one(module.restore_events[*].topic_arn)
}

output "operator" {
  description = "The operator function, by which a person looks at a replay, cuts over, abandons or repairs, and releases settings that were held: `function`, `role` and `log_group`, each with name and ARN."
  value       = one(module.restore_worker[*].operator)
}

output "tables" {
  description = "The change pipeline of each source table: functions, roles, log groups, mapping ids, buffer, FIFO DLQ, failure bucket, alarms, the rule that invokes upkeep, and stream."
  value = var.create ? {
    for table, pipeline in module.change_pipeline : table => {
      functions                = pipeline.functions
      roles                    = pipeline.roles
      log_groups               = pipeline.log_groups
      mappings                 = pipeline.mappings
      buffer                   = pipeline.buffer
      buffer_dead_letter_queue = pipeline.buffer_dead_letter_queue
      failure_bucket_arn       = pipeline.failure_bucket_arn
      alarms                   = pipeline.alarms
      upkeep_rule              = pipeline.upkeep_rule
      stream_arn               = pipeline.stream_arn
    }
  } : null
}

output "operator_commands" {
  description = "Ready-to-paste commands for each source table, by operator action; docs/operator-actions.md says what each does. Replace words in capitals, such as START by the time 2026-01-31T03:00:00Z."
  value       = var.create ? { for table, pipeline in module.change_pipeline : table => pipeline.commands } : null
}

output "settings" {
  description = "Every setting, and whether it is cloned where neither an override nor a tag says otherwise."
  value       = one(module.restore_worker[*].settings)
}

output "reconciler" {
  description = "The reconciler: `function`, `role`, `log_group`, `rule`, `alarm` and `unseen_alarm`. Null where there is none."
  value = one([
    for reconciler in module.reconciler : {
      function     = reconciler.function
      role         = reconciler.role
      log_group    = reconciler.log_group
      rule         = reconciler.rule
      alarm        = reconciler.alarm
      unseen_alarm = reconciler.unseen_alarm
    }
  ])
}

output "trail" {
  description = "The trail that was made: `trail` and `bucket`, each with name and ARN. Null where none was."
  value       = one([for trail in module.trail : { trail = trail.trail, bucket = trail.bucket }])
}

output "restore_table" {
  description = "The restore table, with a record of each restore and of each change pipeline: name and ARN."
  value       = one(module.restore_worker[*].restore_table)
}

output "binding" {
  description = "What a change pipeline in another configuration needs to attach itself, in one object: names and ARNs of the restore table and of the functions and roles `worker` and `operator`, the dependency layer, where reports go, the key, and for how long a restore that is followed may have nothing new in its record."
  value       = one(module.restore_worker[*].binding)
}

output "wait" {
  description = "How long a restore is followed before it is given up: `shortest`, `expected` and `longest`, each in `seconds` and as `text`."
  value       = one(module.restore_worker[*].wait)
}

output "rehearse_command" {
  description = "Command that puts the event of a point-in-time restore on the bus, to rehearse a restore or to put in a missed event. Replace SOURCE_TABLE, TARGET_TABLE, EVENT_ID (new for each event) and EVENT_TIME (UTC, such as 2026-01-31T03:00:00Z: when the restore was called, within a minute of the target table's creation). The target has to be a restored table: what neither it nor CloudTrail bears out is not followed. Null while `event_sources` is empty or `follow.point_in_time` is off."
  value       = one(module.restore_events[*].rehearse_command)
}

output "other_operator_commands" {
  description = "Ready-to-paste commands for the operator actions that are not about a source table, by action; docs/operator-actions.md says what each does. Replace words in capitals."
  value       = one(module.restore_worker[*].commands)
}

output "release_command" {
  description = "Command that applies settings which an override held. Replace TARGET_TABLE by the restored table, and `ttl` by what it holds; the report of a restore names both."
  value       = one(module.restore_worker[*].release_command)
}

output "dry_run_command" {
  description = "Command that compares any two tables and prints the report, changing nothing. Replace SOURCE_TABLE and TARGET_TABLE; with `\"dry_run\":false` it gives the target the settings of the source."
  value       = one(module.restore_worker[*].dry_run_command)
}

output "redrive_command" {
  description = "Command that sends everything in the secondary DLQ round again, once its cause is mended, for those whom `redrivers` names; null where it names nobody. It names the destination: messages that the worker or EventBridge put there have no source queue on record for SQS to go by."
  value       = one(module.restore_events[*].redrive_command)
}
