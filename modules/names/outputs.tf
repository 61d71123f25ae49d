output "names" {
  description = "The names, by the keys of `wanted`."
  value       = local.names
}

output "patterns" {
  description = "What the names of all labels match, by the keys of `wanted`, with `*` for the label and the hash: for the statements of policies."
  value       = { for key, name in var.wanted : key => "${var.name}--*-${name.suffix}" }
}

output "tags" {
  description = "The tag by which everything of a deployment is found."
  value       = { "dynamodb-restore" = var.name }
}
