#!/usr/bin/env bash
# Unpacks a package of the npm registry into FOLDER/package: npm-package.sh NAME VERSION SHA512 FOLDER
# It is fetched as a file and checked against the digest (base64); nothing of it runs.
# A registry of one's own is named to npm as usual (npm_config_registry).
set -euo pipefail

name=$1
version=$2
sha512=$3
folder=$4

if ! command -v npm >/dev/null || ! command -v node >/dev/null; then
  echo "npm is not on PATH; install Node.js with npm (on Debian: nodejs npm). It fetches $name." >&2
  exit 1
fi

mkdir -p "$folder"
scratch=$(mktemp -d "$folder/unpacking.XXXXXX")
trap 'rm -rf "$scratch"' EXIT

echo "getting $name@$version with npm"
if ! npm pack "$name@$version" --ignore-scripts --pack-destination "$scratch" >"$scratch/log" 2>&1; then
  cat "$scratch/log" >&2
  echo "npm could not get $name@$version; where the registry is not reachable, name a mirror: npm_config_registry=…" >&2
  exit 1
fi
archives=("$scratch"/*.tgz)
found=$(node -p 'crypto.createHash("sha512").update(fs.readFileSync(process.argv[1])).digest("base64")' "${archives[0]}")
if [[ "$found" != "$sha512" ]]; then
  echo "$name@$version is not what it was when it was pinned: its SHA-512 is $found, not $sha512." >&2
  exit 1
fi
tar -xzf "${archives[0]}" -C "$scratch"
rm -rf "$folder/package"
mv "$scratch/package" "$folder/package"
