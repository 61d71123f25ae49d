variable "item" {
  description = "What the restore table says of which change pipelines restores own, as JSON: the output `owned_pipelines` of restore-worker."
  type        = string
  nullable    = false
}

variable "pipelines" {
  description = "The change pipelines that the configuration has, by the name of the source table: the stream that each captures (its output `stream_arn`)."
  type        = map(object({ stream_arn = string }))
  nullable    = false
}
