#!/usr/bin/env bash
# Runs `make test-SUITE` for each suite named and sums up at the end. A suite that fails does not keep the others
# from running, but fails the whole.
set -euo pipefail

failed=0
summary=()
for suite in "$@"; do
  printf '\n== %s\n' "$suite"
  started=$SECONDS
  if "${MAKE:-make}" --no-print-directory "test-$suite"; then
    outcome=passed
  else
    outcome=FAILED
    failed=$((failed + 1))
  fi
  summary+=("$(printf '%-12s %s in %d s' "$suite" "$outcome" "$((SECONDS - started))")")
done

printf '\n== summary\n'
printf '%s\n' "${summary[@]}"
if ((failed > 0)); then
  echo "$failed of $# suites failed"
  exit 1
fi
echo "all $# suites passed"
