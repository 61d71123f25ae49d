# One output for each part of the module. With `create = false` every output is null.

output "restore_worker" {
  description = "The restore worker: `function`, `role` and `log_group`, each with name and ARN; `alarms`, `failing` and `slow`, each with name and ARN; `settings`, every setting, and whether it is cloned where neither an override nor a tag says otherwise; `wait`, how long a restore is followed before it is given up: `shortest`, `expected` and `longest`, each in `seconds` and as `text`."
  value = one([
    for worker in module.restore_worker : {
      function  = worker.function
      role      = worker.role
      log_group = worker.log_group
      alarms    = worker.alarms
      settings  = worker.settings
      wait      = worker.wait
    }
  ])
}

output "operator" {
  description = "The operator function, for status, cutover, abandon, repair and the release of held settings: `function`, `role` and `log_group`, each with name and ARN."
  value       = one(module.restore_worker[*].operator)
}

output "restore_events" {
  description = "Where restores are announced. `queue`: the restore queue, with name, URL, ARN, visibility timeout and message retention. `dead_letter_queue`: the secondary DLQ, where restores end that could not be followed and events that could not be delivered, with name, URL, ARN. `rules`: the EventBridge rules on the default bus, `calls` for restore calls, `services` for those that AWS Backup makes by itself, and `jobs` for its restore jobs, with name, ARN and event pattern of each that `follow` asks for. `alarms`: `dead_letters` on the secondary DLQ and `given_up`, which counts what is given up each time anew, each with name and ARN."
  value = one([
    for events in module.restore_events : {
      queue             = events.queue
      dead_letter_queue = events.dead_letter_queue
      rules             = events.rules
      alarms            = events.alarms
    }
  ])
}

output "restore_table" {
  description = "The restore table, with a record of each restore and of each change pipeline: name and ARN."
  value       = one(module.restore_worker[*].restore_table)
}

output "change_pipelines" {
  description = "Each change pipeline, by its label: the source table and its stream, functions, roles, log groups, mapping ids, buffer, FIFO DLQ, failure bucket, alarms, and the rule that invokes upkeep."
  value = var.create ? {
    for label, pipeline in module.change_pipelines : label => {
      table                    = pipeline.table
      stream_arn               = pipeline.stream_arn
      functions                = pipeline.functions
      roles                    = pipeline.roles
      log_groups               = pipeline.log_groups
      mappings                 = pipeline.mappings
      buffer                   = pipeline.buffer
      buffer_dead_letter_queue = pipeline.buffer_dead_letter_queue
      failure_bucket_arn       = pipeline.failure_bucket_arn
      alarms                   = pipeline.alarms
      upkeep_rule              = pipeline.upkeep_rule
    }
  } : null
}

output "reconciler" {
  description = "The reconciler: `function`, `role`, `log_group`, `rule`, `alarm` and `unseen_alarm`. Null if there is none."
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

output "notifications" {
  description = "Who hears. `topic_arn`: the SNS topic for reports and alarms, created or given; null if nobody is notified."
  value       = one([for notifications in module.notifications : { topic_arn = notifications.topic_arn }])
}

output "trail" {
  description = "The trail: `trail` and `bucket`, each with name and ARN. Null if none is created."
  value       = one([for trail in module.trail : { trail = trail.trail, bucket = trail.bucket }])
}

output "binding" {
  description = "What a change pipeline in another configuration needs to attach itself, in one object: the deployment's name, names and ARNs of the restore table and of the functions and roles `worker` and `operator`, the dependency layer, where reports go, the key, and how long the record of a followed restore may stay unchanged."
  value       = one(module.restore_worker[*].binding)
}

output "commands" {
  description = <<-EOT
    Commands ready to paste.
    - `pipelines`: for each change pipeline, by its label, the operator actions on it; docs/operator-actions.md says what each
      does. Replace words in capitals, such as START by the time 2026-01-31T03:00:00Z.
    - `operator`: the other operator actions, likewise. `release` applies settings which an override held: replace TARGET_TABLE
      by the restored table, and `ttl` by what it holds; the report of a restore names both.
    - `dry_run` compares any two tables and prints the report, changing nothing. Replace SOURCE_TABLE and TARGET_TABLE; with
      `"dry_run":false` it gives the target the settings of the source.
    - `rehearse` puts the event of a point-in-time restore on the bus, to rehearse a restore or to put in a missed event.
      Replace SOURCE_TABLE, TARGET_TABLE, EVENT_ID (new for each event) and EVENT_TIME (UTC, such as 2026-01-31T03:00:00Z:
      when the restore was called, within a minute of the target table's creation). The target has to be a restored table:
      what neither it nor CloudTrail bears out is not followed. Null while `event_sources` is empty or
      `follow.point_in_time` is off.
    - `redrive` redrives everything in the secondary DLQ, once its cause is mended, for those whom `redrivers`
      names; null where it names nobody. It names the destination: messages that the worker or EventBridge put there have no
      source queue on record for SQS to go by.
  EOT
  value = var.create ? {
    pipelines = { for label, pipeline in module.change_pipelines : label => pipeline.commands }
    dry_run   = module.restore_worker[0].dry_run_command
    operator  = module.restore_worker[0].commands
    rehearse  = module.restore_events[0].rehearse_command
    redrive   = module.restore_events[0].redrive_command
  } : null
}
