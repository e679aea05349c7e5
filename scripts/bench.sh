#!/usr/bin/env bash
# Measures the engine and writes docs/benchmarks.md: `scripts/bench.sh rules` evaluates rules beside other engines,
# `scripts/bench.sh path [FLAG…]` the whole path beside other Workers, `scripts/bench.sh cost` what
# visits cost and how that grows (docs/cost.md, docs/scaling.md); without a part, all.
#
#   BENCH_BUILD   the directory of the Worker that `path` and `cost` measure, instead of a build made now
set -euo pipefail
. "$(dirname "$0")/lib/common.sh"

BENCH=$ROOT/tests/bench
NODE=$ROOT/node_modules/.bin/node
BINDGEN=$TOOLS/wasm-bindgen-$(locked_version wasm-bindgen)/bin/wasm-bindgen
WASM=wasm32-unknown-unknown
cd "$ROOT"

bench_packages() {
  cd "$BENCH" && npm ci --no-progress
}

build_native() {
  cd "$BENCH" && cargo build --release --locked -p footfall-bench-native
}

# As worker-build builds the Worker: its compiler, a standard library that unwinds, wasm-opt.
build_wasm() {
  cd "$BENCH" &&
    PATH=$TOOLS/wrap:$PATH CARGO_TARGET_DIR=target/wasm RUSTFLAGS=-Cpanic=unwind \
      cargo build --release --locked -p footfall-bench-wasm --target $WASM -Zbuild-std=std,panic_unwind &&
    "$BINDGEN" --target nodejs --out-dir target/node "target/wasm/$WASM/release/footfall_bench_wasm.wasm" &&
    echo '{"type": "commonjs"}' >target/node/package.json &&
    "$ROOT/node_modules/.bin/wasm-opt" -O3 -o target/node/optimised.wasm target/node/footfall_bench_wasm_bg.wasm &&
    mv target/node/optimised.wasm target/node/footfall_bench_wasm_bg.wasm
}

bench_rules() {
  step "packages to compare with" "the other engines' packages could not be installed" bench_packages
  step "the engine on the host" "the benchmark does not build; the compiler's messages are above" build_native
  step "the engine in wasm" "the benchmark does not build for wasm; the compiler's messages are above" build_wasm
  "$NODE" "$BENCH/rules.mjs" "$BENCH/target/release/footfall-bench" "$BENCH/target/node/footfall_bench_wasm.js" \
    "$BENCH/target/workload"
}

build_generator() {
  cd "$BENCH" && cargo build --release --locked -p footfall-bench-generator
}

# An empty Worker in Rust, by the tools that build the Worker.
build_bare() {
  cd "$BENCH/path/bare" &&
    PATH=$TOOLS/wrap:$ROOT/node_modules/.bin:$PATH \
      WASM_BINDGEN_BIN=$BINDGEN WASM_OPT_BIN=$ROOT/node_modules/.bin/wasm-opt ESBUILD_BIN=$ROOT/node_modules/.bin/esbuild \
      "$TOOLS/worker-build-$WORKER_BUILD_VERSION/bin/worker-build" --release --panic-unwind --out-dir ../../target/bare --locked
}

bench_path() {
  [ -n "${BENCH_BUILD:-}" ] || scripts/build.sh
  step "the load generator" "it does not build; the compiler's messages are above" build_generator
  step "an empty Worker in Rust" "it does not build; the compiler's messages are above" build_bare
  step "packages to compare with" "the packages could not be installed" bench_packages
  "$NODE" "$BENCH/path/main.mjs" --build "${BENCH_BUILD:-build}" "$@"
}

# What visits use, the price of it, and how it grows: docs/cost.md, docs/scaling.md.
bench_cost() {
  [ -n "${BENCH_BUILD:-}" ] || scripts/build.sh
  "$NODE" "$BENCH/cost/count.mjs" "${BENCH_BUILD:-build}"
  "$NODE" "$BENCH/cost/page.mjs"
  "$NODE" "$BENCH/scaling/page.mjs"
}

scripts/setup.sh
case ${1:-all} in
  rules) bench_rules ;;
  path) bench_path "${@:2}" ;;
  cost) bench_cost ;;
  all)
    bench_rules
    bench_path
    bench_cost
    ;;
  *) die "no benchmark '$1'; there are: rules, path (path --help says more), cost" ;;
esac
