# How long the polling values wait. The worker waits after each attempt except the last.
locals {
  # If the growth overflows, it is infinite, and the maximum still applies.
  full_delays = [
    for attempt in range(1, min(max(var.polling.max_attempts, 2), 990)) :
    min(var.polling.base_delay_seconds * pow(var.polling.backoff_rate, attempt - 1), var.polling.max_delay_seconds)
  ]
  full_wait = sum(local.full_delays)

  # The same for each override, which has its own numbers.
  override_waits = [
    for polling in local.override_polling : ceil(sum([
      for attempt in range(1, min(max(polling.max_attempts, 2), 990)) :
      min(polling.base_delay_seconds * pow(polling.backoff_rate, attempt - 1), polling.max_delay_seconds)
    ]))
  ]

  # How long a message is on the queue at most, by the deployment's numbers and by those of each override: the worker hides
  # it at the end of a run, so each attempt takes the function's time besides the delay. A function that is killed before it
  # can hide its message takes the queue's visibility timeout instead, which is not counted.
  queue_seconds = {
    deployment = ceil(local.full_wait) + var.polling.max_attempts * var.lambda.timeout
    overrides = [
      for index, polling in local.override_polling :
      local.override_waits[index] + polling.max_attempts * var.lambda.timeout
    ]
  }

  # For how long a restore that is followed may have nothing new in its record: the longest delay; the queue's visibility
  # timeout, where the function was killed; and a quarter of an hour, after which another message may continue the restore.
  longest_silence_seconds = (
    max([for polling in concat([var.polling], local.override_polling) : polling.max_delay_seconds]...)
    + var.restore_queue.visibility_timeout_seconds
    + 900
  )

  wait_seconds = {
    shortest = floor(local.full_wait * (1 - var.polling.jitter))
    expected = floor(local.full_wait * (1 - var.polling.jitter / 2) + 0.5)
    longest  = ceil(local.full_wait)
  }

  wait_units = {
    for kind, seconds in local.wait_seconds : kind => [
      { unit = "d", count = floor(seconds / 86400) },
      { unit = "h", count = floor(seconds / 3600) % 24 },
      { unit = "min", count = floor(seconds / 60) % 60 },
      { unit = "s", count = seconds % 60 },
    ]
  }

  # The two largest units that count anything: "1 d 2 h", "4 min".
  wait_parts = {
    for kind, units in local.wait_units : kind => [for unit in units : "${unit.count} ${unit.unit}" if unit.count > 0]
  }

  wait = {
    for kind, seconds in local.wait_seconds : kind => {
      seconds = seconds
      text    = seconds == 0 ? "0 s" : join(" ", slice(local.wait_parts[kind], 0, min(2, length(local.wait_parts[kind]))))
    }
  }
}
