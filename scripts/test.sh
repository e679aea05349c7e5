#!/usr/bin/env bash
# Runs the tests as named steps, each with its time and a log; `scripts/test.sh fmt clippy` runs only those.
#
# A failed step does not stop the others, except those that need its result. The last line counts the steps.
set -euo pipefail
. "$(dirname "$0")/lib/common.sh"

STEPS="setup fmt clippy audit unit conformance build size tools client e2e load openapi browser"
NODE=node_modules/.bin/node
OUT=.footfall/test
cd "$ROOT"
mkdir -p "$OUT"
export CARGO_TERM_COLOR=never NO_COLOR=1 # the logs are for reading
passed=0 failed=0 broken=" "

step_setup() { scripts/setup.sh; }

step_fmt() { cargo fmt --all -- --check --color never; }

step_clippy() {
  cargo clippy --workspace --all-targets --locked -- -D warnings &&
    cargo clippy --manifest-path tests/load/Cargo.toml --all-targets --locked -- -D warnings && clippy_wasm
}

# The half of the Worker that exists only on wasm32, linted where a clippy for it is to be had.
clippy_wasm() {
  if rustup target list --installed | grep -qx wasm32-unknown-unknown; then
    cargo clippy --lib --locked --target wasm32-unknown-unknown -- -D warnings
  elif [ -x "$TOOLS/wrap/cargo-clippy" ]; then
    PATH=$TOOLS/wrap:$PATH CARGO_TARGET_DIR=target/clippy-wasm \
      cargo clippy --lib --locked --target wasm32-unknown-unknown -- -D warnings
  else
    echo "no clippy for wasm32 on this machine: the host's lints only"
  fi
}

# What cannot be had here is said and left out.
step_audit() { scripts/audit.sh; }

step_unit() { cargo test --workspace --locked; }

# The build of the unit tests is fast enough. Larger runs: see tests/differential/growthbook.mjs.
step_conformance() {
  cargo build --locked -p footfall-cli &&
    "$NODE" tests/differential/growthbook.mjs --count 100000 --tool target/debug/footfall
}

step_build() { scripts/build.sh; }

step_size() { CLOUDFLARE_API_TOKEN='' scripts/deploy.sh; }

step_tools() { "$NODE" --test tests/tools/*.test.mjs; }

# The types first, also those of the console and the demo store, which are tested in the browser.
step_client() {
  local bin=$ROOT/node_modules/.bin
  "$bin/tsc" -p client-js && "$bin/tsc" -p console && PATH=$bin:$PATH npm test -w client-js
}

# The build with the inputs that only tests may send is made first: several files want it, and they run at once.
step_e2e() {
  FOOTFALL_FEATURES=test-hooks scripts/build.sh && "$NODE" --test tests/e2e/*.test.mjs tests/e2e/security/*.test.mjs
}

# The tester is a crate of its own. Its runs are played at once: each has an engine of its own.
step_load() {
  local crate=tests/load/Cargo.toml
  cargo fmt --manifest-path "$crate" -- --check --color never && cargo test --locked --manifest-path "$crate" &&
    cargo build --locked --manifest-path "$crate" && FOOTFALL_FEATURES=test-hooks scripts/build.sh &&
    "$NODE" --test tests/load/*.test.mjs
}

step_openapi() { scripts/openapi.sh; }

# Two files at once: one of them waits for a whole minute.
step_browser() { scripts/setup.sh browser && "$NODE" --test --test-concurrency=2 tests/browser/*.test.mjs; }

# present STEP: whether this checkout has something for the step to run.
present() {
  case $1 in
    client) [ -f client-js/package.json ] ;;
    tools | e2e | load | browser) compgen -G "tests/$1/*.test.mjs" >/dev/null ;;
    *) true ;;
  esac
}

# needs STEP: the steps without which it makes no sense.
needs() {
  case $1 in
    conformance | build | tools | client) echo setup ;;
    size | e2e | load | openapi | browser) echo setup build ;;
  esac
}

# The number of tests that a log tells of, for cargo and for node.
tests_in() {
  awk '/^test result:/ { n += $4 } /^(ℹ|#) pass / { n += $3 } END { if (n) printf ", %d tests", n }' "$1"
}

run() {
  local name=$1 log=$OUT/$1.log began=$SECONDS status=0 need
  if ! present "$name"; then
    printf '%-11s nothing to run yet\n' "$name"
    return 0
  fi
  for need in $(needs "$name"); do
    case $broken in
      *" $need "*)
        printf '%-11s not run, because %s failed\n' "$name" "$need"
        failed=$((failed + 1)) broken="$broken$name "
        return 0
        ;;
    esac
  done
  printf '%-11s … ' "$name"
  ("step_$name") >"$log" 2>&1 </dev/null || status=$?
  if [ $status -eq 0 ]; then
    printf 'passed, %s s%s\n' $((SECONDS - began)) "$(tests_in "$log")"
    grep ' is not checked ' "$log" | sed 's/^/    /' || true # what a step had to leave out
    passed=$((passed + 1))
  else
    printf 'FAILED, %s s; the end of %s:\n' $((SECONDS - began)) "$log"
    tail -n 60 "$log" | sed 's/^/    /'
    failed=$((failed + 1)) broken="$broken$name "
  fi
}

for name in "$@"; do
  case " $STEPS " in
    *" $name "*) ;;
    *) die "no step '$name'; there are: $STEPS" ;;
  esac
done
# Without npm packages and the compiler nothing else can be judged, so the set-up always comes first.
[ $# -eq 0 ] || [ "$1" = setup ] || scripts/setup.sh
for name in ${*:-$STEPS}; do run "$name"; done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] || exit 1
