#!/usr/bin/env bash
# Checks what is depended on: licences, sources and bans (deny.toml), known faults of crates and of npm packages.
#
# What cannot be checked here is said: the network does not reach the lists of known faults, or cargo-deny is not on the
# machine. Only where continuous integration asks for it (FOOTFALL_CI=1) is cargo-deny installed, and its absence a failure.
set -euo pipefail
. "$(dirname "$0")/lib/common.sh"

CARGO_DENY_VERSION=0.20.2
cd "$ROOT"
export PATH=$TOOLS/cargo-deny-$CARGO_DENY_VERSION/bin:$PATH
failed=0

# unchecked WHAT WHY
unchecked() { say "$1 is not checked here: $2"; }

if ! have cargo-deny && [ -n "${FOOTFALL_CI:-}" ]; then
  attempt "cargo-deny $CARGO_DENY_VERSION (installed once)" bounded 1200 cargo install cargo-deny \
    --version "$CARGO_DENY_VERSION" --locked --root "$TOOLS/cargo-deny-$CARGO_DENY_VERSION" || true
fi
if have cargo-deny; then
  cargo-deny --locked check --hide-inclusion-graph licenses bans sources || failed=1
  # What only tests depend on runs on somebody's machine as well.
  for manifest in Cargo.toml tests/{bench,fuzz,load}/Cargo.toml; do
    if advisories=$(bounded 120 cargo-deny --manifest-path "$manifest" --config deny.toml --locked check advisories 2>&1); then
      say "$manifest: no crate has a known fault"
    elif grep -q 'failed to fetch advisory database' <<<"$advisories"; then
      unchecked "whether crates of $manifest have known faults" "the list of advisories cannot be fetched"
    else
      printf '%s\n' "$advisories" >&2
      failed=1
    fi
  done
else
  unchecked "what crates are under which licence, and from where," "cargo install cargo-deny --version $CARGO_DENY_VERSION --locked"
  [ -z "${FOOTFALL_CI:-}" ] || failed=1
fi

# The exit code of npm says the same for a find and for no network; only a whole answer has its numbers.
for folder in . tests/bench; do
  audit=$(bounded 120 npm --prefix "$folder" audit --json 2>/dev/null || true)
  found=$(sed -n 's/^ *"total": \([0-9]*\),\{0,1\}$/\1/p' <<<"$audit" | head -n 1)
  case $found in
    '') unchecked "whether npm packages of $folder have known faults" "the registry does not answer npm audit" ;;
    0) say "$folder: no npm package has a known fault" ;;
    *)
      npm --prefix "$folder" audit >&2 || true
      failed=1
      ;;
  esac
done
exit $failed
