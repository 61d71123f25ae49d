#!/usr/bin/env bash
# Where Terraform gets its providers: prints the folder of a mirror on this machine's disk, or nothing where
# Terraform gets them by itself. Fails, and says what to do, where there is neither.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# What is downloaded to find out is kept for those who need it next.
export TF_PLUGIN_CACHE_DIR=${TF_PLUGIN_CACHE_DIR:-$PWD/.cache/terraform-plugins}
export TF_PLUGIN_CACHE_MAY_BREAK_DEPENDENCY_LOCK_FILE=1
mkdir -p "$TF_PLUGIN_CACHE_DIR"

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# Can Terraform get the provider, with these options of `terraform init`? Asking Terraform itself respects
# whatever its configuration says. An unreachable registry either refuses or hangs, hence the limits.
provider_is_available() {
  rm -rf "$scratch/probe"
  mkdir "$scratch/probe"
  cp versions.tf "$scratch/probe"
  TF_INPUT=0 CHECKPOINT_DISABLE=1 TF_REGISTRY_CLIENT_TIMEOUT=5 \
    timeout 300 terraform -chdir="$scratch/probe" init -backend=false "$@" >/dev/null 2>&1 </dev/null
}

# Folders that are laid out as a provider mirror. What Terraform keeps of its own (.terraform, caches, anything
# temporary) has the same layout but goes away with the work that made it.
mirror_candidates() {
  find / \( -path /proc -o -path /sys -o -path "${TMPDIR:-/tmp}" -o -name .terraform -o -name .cache \) -prune -o \
    -type d -path '*/hashicorp/aws' -print 2>/dev/null || true
}

if provider_is_available; then
  exit 0
fi
while read -r provider; do
  mirror=${provider%/*/hashicorp/aws}
  if provider_is_available -plugin-dir="$mirror"; then
    echo "$mirror"
    exit 0
  fi
done < <(mirror_candidates)
echo "The provider registry does not answer, and this machine has no mirror of the provider." >&2
echo "Name one: TF_PLUGIN_DIR=/path/to/mirror" >&2
exit 1
