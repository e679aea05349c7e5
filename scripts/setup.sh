#!/usr/bin/env bash
# Gets everything that building, running and testing Footfall needs; `… browser` also gets Chromium, `… fuzz` the fuzzer.
#
# Needs rustup, node and npm, and on Debian root for the fall-backs. A second run takes well under a second.
#   FOOTFALL_TOOLS       where built tools are kept (default: the user's cache directory)
#   FOOTFALL_TOOLCHAIN   force the Worker's compiler: `debian`, or the name of a rustup toolchain with rust-src
set -euo pipefail
. "$(dirname "$0")/lib/common.sh"
. "$(dirname "$0")/lib/toolchain.sh"

need_basics() {
  have rustup || die "rustup is missing: install it from https://rustup.rs"
  have cargo || die "cargo is missing: run 'rustup toolchain install stable'"
  have node || die "node is missing: install Node.js 20 or later"
  have npm || die "npm is missing: it comes with Node.js"
  [ -f "$ROOT/Cargo.lock" ] || die "Cargo.lock is missing: the repository must hold it, because it fixes every version"
}

# cargo_tool CRATE VERSION BINARY FLAGS…: a cargo-installed program of exactly that version, in a directory of its own.
cargo_tool() {
  local crate=$1 version=$2 binary=$3 dir=$TOOLS/$3-$2
  shift 3
  local stamp
  stamp="$crate $version $(uname -sm)"
  [ -x "$dir/bin/$binary" ] && [ "$(cat "$dir/stamp" 2>/dev/null)" = "$stamp" ] && return 0
  rm -rf "$dir"
  step "$binary $version (compiled once, some minutes)" \
    "$crate $version could not be built with cargo: it needs the Rust registry and a C compiler" \
    install_cargo_tool "$crate" "$version" "$dir" "$@"
  printf '%s\n' "$stamp" >"$dir/stamp"
}

# From another directory, so that this repository's toolchain file and cargo configuration do not apply.
install_cargo_tool() {
  local crate=$1 version=$2 dir=$3
  shift 3
  cd "$TOOLS" &&
    env -u RUSTFLAGS -u CARGO_TARGET_DIR -u CARGO_BUILD_TARGET \
    cargo install "$crate" --version "=$version" --root "$dir" "$@"
}

npm_packages() {
  local stamp=$ROOT/node_modules/.footfall wanted
  wanted=$(cd "$ROOT" && cksum package.json package-lock.json && if [ -f client-js/package.json ]; then cksum client-js/package.json; fi)
  [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && return 0
  step "npm packages" "the npm packages of package-lock.json could not be installed" install_npm_packages
  printf '%s\n' "$wanted" >"$stamp"
}

install_npm_packages() {
  # wrangler wants Node 22 or later, which the npm package `node` brings by an install script: hence the check.
  cd "$ROOT" &&
    bounded 900 npm ci &&
    node_modules/.bin/node -e 'if (parseInt(process.versions.node) < 22) throw new Error("node_modules/.bin/node is too old")' &&
    node_modules/.bin/workerd --version
}

browser() {
  local path
  path=$(browser_path) && {
    say "browser: $path"
    return 0
  }
  have apt-get || die "Chromium is missing: install Google Chrome or Chromium"
  apt_packages chromium
  browser_path >/dev/null || die "Chromium is missing: Debian's package chromium did not bring /usr/bin/chromium"
}

browser_path() {
  local candidate
  for candidate in "${FOOTFALL_BROWSER:-}" /usr/bin/chromium /usr/bin/chromium-browser /usr/bin/google-chrome \
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome" "/Applications/Chromium.app/Contents/MacOS/Chromium"; do
    [ -n "$candidate" ] && [ -x "$candidate" ] && printf '%s\n' "$candidate" && return 0
  done
  return 1
}

need_basics
take_lock
wasm_toolchain
cargo_tool worker-build "$WORKER_BUILD_VERSION" worker-build --locked
# The CLI and the crate must be of one version. Without default features it needs no TLS library,
# and --locked would pin a dependency that current compilers refuse.
cargo_tool wasm-bindgen-cli "$(locked_version wasm-bindgen)" wasm-bindgen --no-default-features
npm_packages
for extra in "$@"; do
  case $extra in
    browser) browser ;;
    fuzz) cargo_tool cargo-fuzz "$CARGO_FUZZ_VERSION" cargo-fuzz --locked ;;
    *) die "unknown argument '$extra'; there are: browser, fuzz" ;;
  esac
done
