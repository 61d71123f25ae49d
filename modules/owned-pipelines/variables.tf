variable "item" {
  description = "The item of the restore table that says which change pipelines restores own: the output `owned_pipelines` of restore-worker."
  type        = object({ table_name = string, key = string })
  nullable    = false
}

variable "pipelines" {
  description = "The change pipelines that the configuration has, by the name of the source table: the stream that each captures (its output `stream_arn`)."
  type        = map(object({ stream_arn = string }))
  nullable    = false
}
