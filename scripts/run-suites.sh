#!/usr/bin/env bash
# Runs `make test-SUITE` for each suite named and sums up at the end. A suite that fails does not keep the others
# from running, but fails the whole.
#
# A suite named with an & after it runs beside the others, for one that mostly waits; what it prints is shown when
# it has ended. An interrupt ends all of them; a TERM is heeded once the suite in front has ended.
set -euo pipefail

LOGS=.cache/suites
mkdir -p "$LOGS"

failed=0
summary=()
names=()
pids=()

run() {
  local started=$SECONDS outcome=passed
  "${MAKE:-make}" --no-print-directory "test-$1" || outcome=FAILED
  printf '%-12s %s in %d s\n' "$1" "$outcome" "$((SECONDS - started))" >"$LOGS/$1.outcome"
}

tell() {
  local outcome='FAILED: it told no outcome'
  if [[ -e "$LOGS/$1.outcome" ]]; then
    outcome=$(<"$LOGS/$1.outcome")
  fi
  summary+=("$outcome")
  if [[ "$outcome" != *" passed in "* ]]; then
    failed=$((failed + 1))
  fi
}

stop_others() {
  for pid in ${pids[@]+"${pids[@]}"}; do
    kill -TERM -- "-$pid" 2>/dev/null || true
  done
}
trap stop_others EXIT
trap 'exit 130' INT TERM

for suite in "$@"; do
  name=${suite%&}
  rm -f "$LOGS/$name.outcome"
  if [[ "$suite" == *"&" ]]; then
    # With job control it is a process group of its own, which can be ended as a whole.
    set -m
    run "$name" </dev/null >"$LOGS/$name.log" 2>&1 &
    set +m
    names+=("$name")
    pids+=("$!")
    printf '\n== %s runs beside the others (%s)\n' "$name" "$LOGS/$name.log"
  fi
done

for suite in "$@"; do
  if [[ "$suite" != *"&" ]]; then
    printf '\n== %s\n' "$suite"
    run "$suite"
    tell "$suite"
  fi
done

for index in ${names[@]+"${!names[@]}"}; do
  printf '\n== %s\n' "${names[index]}"
  wait "${pids[index]}" || true
  cat "$LOGS/${names[index]}.log"
  tell "${names[index]}"
done
pids=()

printf '\n== summary\n'
printf '%s\n' "${summary[@]}"
if ((failed > 0)); then
  echo "$failed of $# suites failed"
  exit 1
fi
echo "all $# suites passed in $SECONDS s"
