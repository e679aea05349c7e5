#!/usr/bin/env bash
# Checks the running Worker against docs/openapi.json with schemathesis: no 5xx, and every answer as it is described.
#
#   SEED=N    another run than the usual one, which is the same each time (default 1)
#   EXAMPLES  requests that are made up for each operation (default 15)
# Without Python it says so, and fails only where continuous integration asks for it (FOOTFALL_CI=1).
set -euo pipefail
. "$(dirname "$0")/lib/common.sh"
. "$(dirname "$0")/lib/toolchain.sh"

# The tester and all that it needs, each in one version.
WANTED=scripts/lib/schemathesis.txt
VERSION=$(sed -n 's/^schemathesis==//p' "$ROOT/$WANTED")
VENV=$TOOLS/schemathesis-$VERSION
NODE=node_modules/.bin/node
cd "$ROOT"

# The tester in an environment of its own, made once.
tester() {
  local stamp
  stamp="$(cksum <"$WANTED") $(python3 --version 2>&1)"
  [ "$(cat "$VENV/stamp" 2>/dev/null)" = "$stamp" ] && return 0
  python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null || {
    say "Python 3.10 or later is missing"
    return 1
  }
  rm -rf "$VENV"
  attempt "schemathesis $VERSION (installed once)" install_tester || return 1
  printf '%s\n' "$stamp" >"$VENV/stamp"
}

install_tester() {
  # Debian has the module venv in a package of its own.
  { python3 -m venv "$VENV" || { have apt-get && apt_install python3-venv && python3 -m venv "$VENV"; }; } &&
    bounded 300 "$VENV/bin/pip" install --disable-pip-version-check --no-input -r "$WANTED"
}

stop() {
  [ -z "${SERVER:-}" ] || { kill "$SERVER" 2>/dev/null && wait "$SERVER" 2>/dev/null; } || true
  [ -z "${STATE:-}" ] || rm -rf "$STATE"
}

# A server on a free port with a state of its own, the demo store's rules, and a draft.
serve() {
  STATE=$(mktemp -d)
  "$NODE" scripts/serve.mjs --state "$STATE/state" --demo --quiet --with-parent >"$STATE/ready" 2>"$STATE/log" &
  SERVER=$!
  local waited=0
  until [ -s "$STATE/ready" ]; do
    kill -0 "$SERVER" 2>/dev/null && [ $waited -lt 300 ] || {
      cat "$STATE/log"
      die "the Worker did not start"
    }
    sleep 0.2
    waited=$((waited + 1))
  done
  ADDRESS=$(ready address)
  ADMIN_TOKEN=$(ready admin_token)
  export ADMIN_TOKEN
  curl -sSf -X PUT -H "authorization: Bearer $ADMIN_TOKEN" -d '{"when":{}}' -o "$STATE/answer" \
    "$ADDRESS/admin/v1/sites/demo/draft/segments/welcome"
}

ready() { "$NODE" -p 'JSON.parse(require("fs").readFileSync(process.argv[1], "utf8"))[process.argv[2]]' "$STATE/ready" "$1"; }

# describe PRECONDITIONS: the description for this server, whose one site is `demo`; with preconditions or without.
describe() {
  "$NODE" -e '
    const { readFileSync } = require("fs");
    const description = JSON.parse(readFileSync("docs/openapi.json", "utf8"));
    description.components.parameters.Site.schema = { type: "string", enum: ["demo"] };
    if (process.argv[1] === "no") {
      const kept = ({ $ref = "" }) => !/If(None)?Match/.test($ref);
      for (const item of Object.values(description.paths)) {
        for (const operation of Object.values(item)) {
          if (operation.parameters) operation.parameters = operation.parameters.filter(kept);
        }
      }
    }
    process.stdout.write(JSON.stringify(description));
  ' "$1"
}

# check PHASES DESCRIPTION; in the directory of the state, since schemathesis leaves files where it runs.
check() {
  (cd "$STATE" && bounded 300 "$VENV/bin/schemathesis" --config-file "$ROOT/tests/openapi/schemathesis.toml" run "$2" \
    --url "$ADDRESS" --no-color --phases "$1" --max-examples "${EXAMPLES:-15}" --seed "${SEED:-1}") && return 0
  tail -n 20 "$STATE/log"
  die "an answer is not as docs/openapi.json describes it; see above"
}

if ! tester; then
  [ "${FOOTFALL_CI:-}" != 1 ] || die "schemathesis $VERSION could not be installed: it needs Python 3.10 or later with venv and pip"
  say "the description of the admin surface is not checked against the Worker: schemathesis cannot be had here"
  exit 0
fi
trap stop EXIT
serve
say "schemathesis $VERSION against $ADDRESS"
describe yes >"$STATE/openapi.json"
check examples,coverage "$STATE/openapi.json"
# Once more without preconditions, since those that are made up are hardly ever met.
describe no >"$STATE/unconditional.json"
check fuzzing,stateful "$STATE/unconditional.json"
! grep -nE 'fault( in|:)' "$STATE/log" || die "the Worker logged a fault; see above"
