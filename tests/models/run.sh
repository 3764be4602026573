#!/usr/bin/env bash
# Checks the models of docs/models with Spin: the protocol as it is passes every property in every reachable state; each broken variant
# violates the property that is named for it (else the model would prove nothing).
#
#   tests/models/run.sh            about 60 s of one core, as many searches at once as there are cores; ends with "N passed, N failed"
#   tests/models/run.sh --long     also two losses and two crashes
set -uo pipefail
cd "$(dirname "$0")/../.."
model=$PWD/docs/models/recall.pml
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for tool in spin cc; do command -v $tool >/dev/null || { echo "run.sh: $tool is missing; scripts/setup installs it" >&2; echo "0 passed, 1 failed"; exit 1; }; done

# One exhaustive search. Prints what Spin found: "holds", "violated", or why it cannot be said.
search() {  # property (asserts, gone, answered, back), -D…
  local property=$1 dir flags run; shift
  dir=$(mktemp -d "$work/XXXX")
  if [ "$property" = asserts ]; then
    (cd "$dir" && spin -DSAFETY "$@" -a "$model" && cc -w -O2 -DSAFETY -DNOCLAIM -DCOLLAPSE -DMEMLIM=4096 -o pan pan.c) >"$dir/build" 2>&1 || { echo "does not build: $(tail -n 1 "$dir/build")"; return; }
    run=(-E)
  else
    (cd "$dir" && spin "$@" -a "$model" && cc -w -O2 -DNFAIR=4 -DCOLLAPSE -DMEMLIM=4096 -o pan pan.c) >"$dir/build" 2>&1 || { echo "does not build: $(tail -n 1 "$dir/build")"; return; }
    run=(-a -f -N "$property")
  fi
  (cd "$dir" && timeout 1200 ./pan -m2000000 "${run[@]}") >"$dir/out" 2>&1
  if ! grep -q 'errors:' "$dir/out"; then echo "did not end: $(tail -n 1 "$dir/out")"
  elif ! grep -q 'errors: 0' "$dir/out"; then echo violated
  elif grep -qE 'Search not completed|max search depth too small|out of memory' "$dir/out"; then echo "search not completed"
  else echo "holds"; fi
}
check() {  # outcome, property, -D…
  local outcome=$1 found; shift
  found=$(search "$@")
  if [ "$found" = "$outcome" ]; then printf '  ok      %-9s %s\n' "$found" "$*"
  else printf '  FAILED  %s: %s where "%s" is due\n' "$*" "$found" "$outcome"; fi
}
export -f search check; export model work

# A giver that crashes and a reader that loses its cursor, each alone (docs/models/README.md says why not both), and a lossy network.
crash="-DCRASHES=1 -DRESETS=0" reset="-DCRASHES=0 -DRESETS=1"
bounds=("$reset" "$crash")
[ "${1:-}" = --long ] && bounds=("-DCRASHES=2 -DRESETS=0 -DLOSSES=2" "-DCRASHES=0 -DRESETS=2 -DLOSSES=2" "${bounds[@]}")
checks=()
for property in answered gone asserts; do for bound in "${bounds[@]}"; do checks+=("holds $property $bound"); done; done
checks+=(
  "violated asserts $crash -DRELEASE_WINS"
  "violated asserts $crash -DTWO_STEPS"
  "violated asserts $crash -DRECEIPT_FIRST"
  "violated asserts $crash -DANYONE_RECALLS"
  "violated asserts $crash -DTELLS_EVERYBODY"
  "violated gone $crash -DNOT_TRANSITIVE"
  "violated gone $crash -DUNLOCKED_PULL"
  "violated gone $crash -DFORGETS"
  "violated gone $reset -DMARK_FOLLOWS_CURSOR"
  "violated answered $crash -DTOLD_ONCE"
)
# Whoever is stopped before it was known what it had been given.
checks+=(
  "holds asserts $crash -DSTOPS"
  "holds gone $crash -DSTOPS"
  "violated gone $crash -DSTOPS -DSHOWS_NOTHING"
  "violated gone $crash -DSTOPS -DSHOWS_EARLY"
)
# What is narrowed and widened again: the same protocol, with a second row and numbers.
narrow="-DNARROW -DLOSSES=0" calm="-DCRASHES=0 -DRESETS=0"
checks+=(
  "holds asserts $narrow $crash"
  "holds asserts $narrow $reset"
  "holds gone $narrow $crash"
  "holds back $narrow $calm"
  "violated asserts $narrow $calm -DRELEASE_WINS"
  "violated back $narrow $calm -DNARROWED_FOR_EVER"
  "violated back $narrow $calm -DFORGETS_LATER"
)
[ "${1:-}" = --long ] && checks+=("holds back $narrow $crash" "holds asserts -DNARROW $crash" "holds asserts -DNARROW $reset")
printf '%s\n' "${checks[@]}" | xargs -P "$(nproc)" -I{} bash -c 'check {}' | tee "$work/said"
passed=$(grep -c '^  ok ' "$work/said") failed=$((${#checks[@]} - passed))
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
