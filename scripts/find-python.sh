#!/usr/bin/env bash
# Prints a Python that can make the project's environments, or says what is missing and fails.
# A name on PATH proves nothing: it may be a version manager's shim without a version behind it, or a Python
# that its distribution ships without ensurepip. So each candidate is run.
set -euo pipefail

versions=(3.13 3.12 3.14 3.11)

candidates() {
  local version folder
  if [[ -n "${PYTHON:-}" ]]; then
    echo "$PYTHON"
    return
  fi
  for version in "${versions[@]}"; do
    echo "python$version"
    if command -v pyenv >/dev/null; then
      for folder in "$(pyenv root)/versions/$version".*; do
        echo "$folder/bin/python"
      done
    fi
  done
  echo python3
}

# shellcheck disable=SC2016 # Python's code, not the shell's
probe='import ensurepip, ssl, sys, venv
if sys.version_info < (3, 11): sys.exit(1)
print(sys.executable)'

while read -r candidate; do
  if found=$("$candidate" -c "$probe" 2>/dev/null); then
    echo "$found"
    exit 0
  fi
done < <(candidates)

if [[ -n "${PYTHON:-}" ]]; then
  echo "PYTHON=$PYTHON is not a Python >= 3.11 with venv, ensurepip and ssl." >&2
else
  echo "No Python >= 3.11 with venv, ensurepip and ssl was found (on Debian: python3-venv)." >&2
  echo "Install one, or name one: make PYTHON=/path/to/python3.13" >&2
fi
exit 1
