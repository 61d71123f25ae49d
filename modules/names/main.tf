# How everything is called: name-suffix for what a deployment has once, name--label-suffix for what each change pipeline has.
#
# A name has no two hyphens beside each other and ends in none. So the first two that are beside each other end the name: no
# two deployments can give the same name, whatever their labels are, and a policy for name--* is for this deployment alone.
# Suffixes of one service never end in one another, after a hyphen.
#
# What is too long has its label cut; name and suffix stay, so that a policy finds it and a reader knows it. Where something
# was cut or replaced, a hash of what was wanted stands before the suffix. So it does where a label ends in what could be such
# a hash.
locals {
  head = var.label == null ? var.name : "${var.name}--${var.label}"

  # Of the head as each service has it.
  heads = {
    table    = local.head
    iam      = local.head
    function = replace(local.head, ".", "-")
    bucket   = lower(replace(local.head, "/[._]/", "-"))
  }

  # Whether the head is not as it was wanted, or not told apart from another.
  ambiguous = {
    for characters, head in local.heads :
    characters => head != local.head || can(regex("-[0-9a-f]{8}$", coalesce(var.label, "-"))) || (characters == "iam" && head != lower(head))
  }

  names = {
    for key, name in var.wanted : key => (
      name.hashed == "" && !local.ambiguous[name.characters] && length("${local.head}-${name.suffix}") <= name.limit
      ? "${local.head}-${name.suffix}"
      : "${substr(local.heads[name.characters], 0, name.limit - length(name.suffix) - 10)}-${substr(sha256("${local.head}-${name.suffix}${name.hashed}"), 0, 8)}-${name.suffix}"
    )
  }
}
