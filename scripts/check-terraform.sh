#!/usr/bin/env bash
# Fails, saying why, when there is no Terraform that is new enough.
set -euo pipefail

needed=1.9

if ! command -v terraform >/dev/null; then
  echo "terraform is not on PATH; install Terraform >= $needed." >&2
  exit 1
fi
found=$(terraform version -json | sed -n 's/.*"terraform_version": *"\([^"]*\)".*/\1/p')
oldest=$(printf '%s\n' "$needed" "$found" | sort -t. -k1,1n -k2,2n | head -n 1)
if [[ -z "$found" || "$oldest" != "$needed" ]]; then
  echo "Terraform >= $needed is needed, but the one on PATH is ${found:-of no version that it tells}." >&2
  exit 1
fi
