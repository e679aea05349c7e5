#!/usr/bin/env bash
# Builds the Worker (Rust to wasm, with panic=unwind) into build/, and does nothing when nothing has changed.
#
#   FOOTFALL_FEATURES   cargo features, for builds that are only for tests: they go into build-test/
#   FOOTFALL_OUT        another output directory, relative to the repository
#   FOOTFALL_QUICK      set: hardly optimised and twice as large, but built in a fraction of the time
set -euo pipefail
. "$(dirname "$0")/lib/common.sh"

FEATURES=${FOOTFALL_FEATURES:-}
OUT=${FOOTFALL_OUT:-build${FEATURES:+-test}}
STAMP=$ROOT/$OUT/.footfall
QUICK=${FOOTFALL_QUICK:+--no-opt}
if [ -n "$QUICK" ]; then
  export CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_OPT_LEVEL=1
  export CARGO_PROFILE_RELEASE_CODEGEN_UNITS=64 CARGO_PROFILE_RELEASE_INCREMENTAL=true
fi
cd "$ROOT"

# What the output depends on: the sources, what the compiler last said it read besides
# (include_str! and the like), the features and the compiler.
inputs() {
  printf '%s %s %s %s\n' "$FEATURES" "$QUICK" "$WORKER_BUILD_VERSION" "$(cat "$TOOLS/wrap/choice")"
  {
    find Cargo.toml Cargo.lock src protocol .cargo build.rs -type f 2>/dev/null || true # some need not exist
    cat "$OUT/.footfall-read" 2>/dev/null || true
  } | sort -u | tr '\n' '\0' | { xargs -0 cksum 2>/dev/null || true; }
}

# Files of this repository in the dependency file that cargo writes beside the wasm.
files_read() {
  local cargo_target=${CARGO_TARGET_DIR:-target}
  sed 's/^[^:]*: //' "$cargo_target/wasm32-unknown-unknown/release/"footfall.d | tr ' ' '\n' |
    sed -n "s#^$ROOT/##p"
}

build_worker() {
  cp src/shell/entry.js "$OUT/entry.js"
  PATH=$TOOLS/wrap:$ROOT/node_modules/.bin:$PATH \
    WASM_BINDGEN_BIN=$TOOLS/wasm-bindgen-$(locked_version wasm-bindgen)/bin/wasm-bindgen \
    WASM_OPT_BIN=$ROOT/node_modules/.bin/wasm-opt \
    ESBUILD_BIN=$ROOT/node_modules/.bin/esbuild \
    "$TOOLS/worker-build-$WORKER_BUILD_VERSION/bin/worker-build" \
    --release $QUICK --panic-unwind --out-dir "$OUT" --locked ${FEATURES:+--features "$FEATURES"}
}

sizes() {
  local wasm=$OUT/index_bg.wasm
  say "$OUT: wasm $(($(wc -c <"$wasm") / 1024)) KiB, $(($(cat "$wasm" "$OUT/index.js" | gzip -9 | wc -c) / 1024)) KiB gzipped with its glue"
}

"$ROOT/scripts/setup.sh"
mkdir -p "$OUT" build/site # wrangler refuses to start when the directory of static files is absent
node_modules/.bin/node scripts/build-site.mjs --demo >&2
if [ -f "$OUT/index.js" ] && [ "$(inputs | cksum)" = "$(cat "$STAMP" 2>/dev/null)" ]; then
  say "$OUT is up to date"
  exit 0
fi
rm -f "$STAMP"
step "worker-build${FEATURES:+ with $FEATURES}" "the Worker does not build; the compiler's messages are above" build_worker
files_read >"$OUT/.footfall-read"
inputs | cksum >"$STAMP"
sizes
