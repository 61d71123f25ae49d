#!/usr/bin/env bash
# Runs `terraform init` and `terraform validate` in each folder given, with Terraform's working data kept out of
# the source tree. Goes through all of them before it fails, so one run shows everything that is wrong.
set -euo pipefail

failed=0
for folder in "$@"; do
  export TF_DATA_DIR="$PWD/.cache/terraform/$folder"
  if output=$(terraform -chdir="$folder" init -backend=false 2>&1); then
    output=$(terraform -chdir="$folder" validate 2>&1) && echo "valid: $folder" && continue
  fi
  echo "$output" >&2
  echo "not valid: $folder" >&2
  failed=1
done
exit "$failed"
