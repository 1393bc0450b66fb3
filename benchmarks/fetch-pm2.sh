#!/usr/bin/env bash
# Usage: benchmarks/fetch-pm2.sh
#
# Installs the PM2 that tests and benchmarks compare with into benchmarks/.pm2, from npm. Takes no
# network when it is there already; they themselves run in a sandbox that has none.

set -euo pipefail
shopt -s inherit_errexit
umask 022 # the sandbox's user reads it
cd -- "$(dirname -- "$(realpath -- "${BASH_SOURCE[0]}")")"

readonly VERSION=7.0.4

version_in() { # DIRECTORY
  node -p 'require(process.argv[1]).version' "$PWD/$1/node_modules/pm2/package.json" 2>/dev/null || true
}

[ "$(version_in .pm2)" != "$VERSION" ] || exit 0
echo "fetch-pm2: installing pm2@$VERSION from npm into benchmarks/.pm2" >&2
# An interrupted installation must not look like a finished one: it gets its name last.
rm -rf .pm2.new
mkdir .pm2.new
npm install --prefix .pm2.new --ignore-scripts --no-audit --no-fund --loglevel=error "pm2@$VERSION" >&2
[ "$(version_in .pm2.new)" = "$VERSION" ] || { echo 'fetch-pm2: npm installed something else' >&2 && exit 1; }
rm -rf .pm2
mv .pm2.new .pm2
