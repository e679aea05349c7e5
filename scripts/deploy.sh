#!/usr/bin/env bash
# Deploys Footfall with wrangler; without CLOUDFLARE_API_TOKEN it only packs the upload and checks its size.
#
#   CLOUDFLARE_API_TOKEN    a token that may edit Workers, Queues, D1 and R2
#   CLOUDFLARE_ACCOUNT_ID   needed when the token sees several accounts
#
# A real deployment: (1) makes the queues, the bucket and the D1 database unless they exist; (2) writes
# wrangler.deploy.toml, which is wrangler.toml with the database's id; (3) applies the migrations;
# (4) deploys, with new secrets if the Worker has none. The secrets' values stay in .footfall/deploy/.
# `npx wrangler rollback` brings back the version before; migrations only ever add, so that it can run.
set -euo pipefail
. "$(dirname "$0")/lib/common.sh"

GZIP_BYTES_MAX=1700000
WRANGLER="$ROOT/node_modules/.bin/wrangler"
NODE=$ROOT/node_modules/.bin/node
CONFIG=wrangler.deploy.toml
SECRETS=.footfall/deploy
cd "$ROOT"

# wrangler runs on the Node that the npm packages bring.
wrangler() { PATH=$ROOT/node_modules/.bin:$PATH "$WRANGLER" "$@"; }

check_size() {
  rm -rf out/deploy
  wrangler deploy --dry-run --outdir out/deploy
  local size
  size=$(cat out/deploy/*.js out/deploy/*.wasm | gzip -9 | wc -c)
  say "the upload is $((size / 1000)) kB gzipped; the limit here is $((GZIP_BYTES_MAX / 1000)) kB"
  [ "$size" -le "$GZIP_BYTES_MAX" ] || die "the upload is too large"
}

# make_queue NAME: `create` fails when the queue exists, so it is looked up first.
make_queue() {
  wrangler queues info "$1" >/dev/null 2>&1 || wrangler queues create "$1"
}

# Every queue that wrangler.toml names.
make_queues() {
  local name
  for name in $(sed -nE 's/^(queue|dead_letter_queue) = "(.*)"$/\2/p' wrangler.toml | sort -u); do
    make_queue "$name"
  done
}

# Every bucket that wrangler.toml names.
make_buckets() {
  local name
  for name in $(sed -n 's/^bucket_name = "\(.*\)"$/\1/p' wrangler.toml); do
    wrangler r2 bucket info "$name" >/dev/null 2>&1 || wrangler r2 bucket create "$name" ||
      die "the bucket $name could not be made: without R2, leave [[r2_buckets]] and \"archive\" out of wrangler.toml"
  done
}

database_id() {
  wrangler d1 list --json | "$NODE" -e '
    const list = JSON.parse(require("fs").readFileSync(0, "utf8"));
    process.stdout.write(list.find((database) => database.name === "footfall")?.uuid ?? "");'
}

make_database() {
  local id
  id=$(database_id)
  if [ -z "$id" ]; then
    wrangler d1 create footfall >&2
    id=$(database_id)
  fi
  [ -n "$id" ] || die "the D1 database footfall could not be made"
  sed "s/^database_id = .*/database_id = \"$id\"/" wrangler.toml >"$CONFIG"
}

# Sets SECRETS_FLAG. A Worker that has its secrets keeps them: new signing keys would make every visitor a stranger.
choose_secrets() {
  local listed
  SECRETS_FLAG=()
  if listed=$(wrangler secret list --config "$CONFIG" 2>&1); then
    case $listed in *SIGNING_KEYS*) return 0 ;; esac
  elif ! grep -qi 'not found\|does not exist\|10007' <<<"$listed"; then
    die "whether the Worker has its secrets could not be found out: $listed"
  fi
  mkdir -p "$SECRETS"
  "$NODE" --input-type=module -e '
    import { writeFileSync } from "node:fs";
    import { credentials } from "./scripts/lib/credentials.mjs";
    writeFileSync(process.argv[1] + "/secrets.json", JSON.stringify(credentials(process.argv[1]).secrets), { mode: 0o600 });
  ' "$SECRETS"
  SECRETS_FLAG=(--secrets-file "$SECRETS/secrets.json")
}

# The demo's settings let every page look inside its visitor and take headless browsers for people.
check_sites() {
  ! grep -Eq '"(inspect|allow_headless)": *true' wrangler.toml ||
    die "wrangler.toml still has the demo's site: write your own into [vars] SITES, without inspect and allow_headless"
}

deploy() {
  check_sites
  make_queues
  make_buckets
  make_database
  wrangler d1 migrations apply footfall --remote --config "$CONFIG"
  choose_secrets
  wrangler deploy --config "$CONFIG" ${SECRETS_FLAG[@]+"${SECRETS_FLAG[@]}"} # bash 3.2 calls an empty array unset
  say "deployed; the keys of a first deployment are in $SECRETS/credentials.json"
}

"$ROOT/scripts/build.sh"
check_size
if [ -z "${CLOUDFLARE_API_TOKEN:-}" ]; then
  say "dry run only: set CLOUDFLARE_API_TOKEN to deploy"
  exit 0
fi
deploy
