# What every script here shares: where things are, progress on stderr, logs, time limits. Sourced, never run.
# Written for bash 3.2, because that is what macOS has.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# Tools that take minutes to build live outside the work tree, so that all checkouts share them
# and `make clean` keeps them.
TOOLS=${FOOTFALL_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/footfall}
LOGS=$TOOLS/logs
WORKER_BUILD_VERSION=0.8.7
CARGO_FUZZ_VERSION=0.13.2
SCRIPT=$(basename "$0" .sh)

# Keeps wrangler and Miniflare off the network and quiet.
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false WRANGLER_HIDE_BANNER=true

mkdir -p "$LOGS"
set -E
trap 'printf "%-6s stopped at line %s of %s\n" "$SCRIPT" "$LINENO" "${BASH_SOURCE[0]}" >&2' ERR

say() { printf '%-6s %s\n' "$SCRIPT" "$*" >&2; }

die() {
  say "failed: $*"
  exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# bounded SECONDS COMMAND…: a command that hangs (a download without a network) ends with a failure.
bounded() {
  local seconds=$1
  shift
  if have timeout; then
    timeout --foreground -k 5 "$seconds" "$@"
  else
    perl -e 'alarm shift; exec @ARGV or die "$!\n"' "$seconds" "$@" # macOS has no timeout
  fi
}

# attempt NAME COMMAND…: one progress line with the time taken; the output goes to a log. Returns its status.
# A function given as the command joins its steps with &&: bash ignores `set -e` inside a tested command.
attempt() {
  local name=$1 began=$SECONDS status=0
  shift
  LOG=$LOGS/$SCRIPT-$(printf '%s' "$name" | tr -cs 'A-Za-z0-9.\n' '-').log
  printf '%-6s %s … ' "$SCRIPT" "$name" >&2
  ("$@") >"$LOG" 2>&1 </dev/null || status=$?
  if [ $status -eq 0 ]; then
    printf '%s s\n' $((SECONDS - began)) >&2
  else
    printf 'failed after %s s (log: %s)\n' $((SECONDS - began)) "$LOG" >&2
  fi
  return $status
}

# step NAME MISSING COMMAND…: like attempt, but a failure ends the script with the log's tail and a sentence.
step() {
  local name=$1 missing=$2
  shift 2
  attempt "$name" "$@" && return 0
  tail -n 25 "$LOG" >&2
  die "$missing"
}

# The version of a crate in Cargo.lock.
locked_version() {
  awk -v crate="\"$1\"" '$1 == "name" { hit = ($3 == crate) } hit && $1 == "version" { gsub(/"/, "", $3); print $3; exit }' "$ROOT/Cargo.lock"
}

# One lock for all set-up of this user; without flock (macOS) cargo's and npm's own locks have to do.
take_lock() {
  have flock || return 0
  exec 9>"$TOOLS/lock"
  flock -n 9 && return 0
  say "another set-up is running; waiting for it"
  flock -w 1800 9 || die "another set-up held $TOOLS/lock for 30 minutes"
}
