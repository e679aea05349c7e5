#!/usr/bin/env bash
# Fuzzes the targets of tests/fuzz, one after the other, each for some minutes; a find ends it with a failure.
#
#   scripts/fuzz.sh [TARGET…]       compile, index, transitions, log, decode, snapshot, users, sinks, access, admin; all of them without
#                                   a name
#   MINUTES                         a round of a target (default: 10)
#   ROUNDS                          rounds of a target at most (default: 1); one in which coverage does not grow is the last
#   KEEP=1                          afterwards the committed corpus is what is left when it is minimised with the new finds
#
# It works on a copy of the committed corpus, in target/fuzz/grown, which later runs go on with. What breaks a target is in
# tests/fuzz/artifacts. The code has no unsafe part, so that it is fuzzed without a sanitizer, by the ordinary compiler.
set -euo pipefail
. "$(dirname "$0")/lib/common.sh"

TARGETS="compile index transitions log decode snapshot users sinks access admin"
MINUTES=${MINUTES:-10}
ROUNDS=${ROUNDS:-1}
LENGTH=4096 # longest input, in bytes
cd "$ROOT"

for target in "$@"; do
  case " $TARGETS " in *" $target "*) ;; *) die "no target '$target'; there are: $TARGETS" ;; esac
done
for name in MINUTES ROUNDS; do
  case ${!name} in '' | *[!0-9]*) die "$name is a whole number, not '${!name}'" ;; esac
done

scripts/setup.sh fuzz
export PATH=$TOOLS/cargo-fuzz-$CARGO_FUZZ_VERSION/bin:$PATH CARGO_TARGET_DIR=$ROOT/target/fuzz
# Watching each comparison takes half of the time and finds little: most targets make what they try out of choices, and for
# the others there is a list of words.
step "building the targets" "the fuzz targets could not be built" \
  cargo fuzz build -s none --no-trace-compares --fuzz-dir tests/fuzz

# Words of the protocol and of credentials, which bytes alone seldom spell.
words=$CARGO_TARGET_DIR/words.dict
grep -rohE '"[A-Za-z0-9_$ .:/+-]{2,40}"' --include='*.rs' protocol/src src/access src/rulebook src/sinks | LC_ALL=C sort -u >"$words"

# shown: reads libFuzzer's log and tells how coverage grew; fails when it did.
shown() {
  local line now first='' last='' grew=0 next=60
  while IFS= read -r line; do
    printf '%s\n' "$line"
    case $line in *' cov: '*) ;; *) continue ;; esac
    now=${line#* cov: } now=${now%% *}
    # What the corpus reaches: until then its inputs are only read.
    case $line in *INITED*) first=$now last=$now ;; esac
    [ -n "$first" ] || continue
    [ "$now" = "$last" ] || grew=$SECONDS
    last=$now
    if [ $SECONDS -ge $next ]; then
      say "$target: $((SECONDS / 60)) min, coverage $last"
      next=$((SECONDS + 60))
    fi
  done
  say "$target: coverage $first → $last, which last grew after $grew of $SECONDS s"
  [ "$first" = "$last" ]
}

fuzz() {
  local target=$1 grown=$ROOT/target/fuzz/grown/$1 kept=$ROOT/tests/fuzz/corpus/$1 found=$ROOT/tests/fuzz/artifacts/$1/ binary round
  mkdir -p "$grown" "$kept" "$found"
  binary=$(find "$CARGO_TARGET_DIR" -path "*/release/$target" -type f | head -n 1)
  for ((round = 1; round <= ROUNDS; round += 1)); do
    SECONDS=0
    local status=(0 0) # of the fuzzer, and whether coverage grew
    "$binary" "$grown" "$kept" -max_total_time=$((MINUTES * 60)) -max_len=$LENGTH -dict="$words" -timeout=60 -artifact_prefix="$found" \
      -print_final_stats=1 2>&1 | shown >"$LOGS/fuzz-$target.log" || status=("${PIPESTATUS[@]}")
    if [ "${status[0]}" -ne 0 ]; then
      tail -n 40 "$LOGS/fuzz-$target.log" >&2
      die "$target: something was found; its input is in $found"
    fi
    say "$target: $(sed -n 's/^stat::number_of_executed_units: *//p' "$LOGS/fuzz-$target.log") runs, nothing found"
    if [ "${status[1]}" -eq 0 ]; then
      say "$target: coverage grows no more"
      break
    fi
  done
  [ "${KEEP:-}" = 1 ] || return 0
  rm -rf "$grown.new"
  mkdir "$grown.new"
  # The smallest set that reaches the same code: without counting how often, which would keep thousands.
  "$binary" -set_cover_merge=1 -use_counters=0 -max_len=$LENGTH "$grown.new" "$kept" "$grown" >"$LOGS/fuzz-merge-$target.log" 2>&1
  rm -rf "$kept"
  mv "$grown.new" "$kept"
  say "$target: the corpus has $(find "$kept" -type f | wc -l) inputs, $(du -sk "$kept" | cut -f1) KB"
}

for target in ${*:-$TARGETS}; do fuzz "$target"; done
