# The commands of this repository. Each does whatever set-up it still needs; `make` alone lists them.

SHELL := /bin/bash
MAKEFLAGS += --no-print-directory
NODE := node_modules/.bin/node
PORT ?= 0
STATE ?= .footfall/state
MINUTES ?= 10

.DEFAULT_GOAL := help
.PHONY: help dev serve build test conformance simulate backtest dead-letters origin check fuzz bench crash soak load deploy clean

help: ## List the commands.
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "  make %-12s %s\n", $$1, $$2 }'

dev: ## Build and run the engine with the demo store and the console on http://localhost:8787.
	@scripts/build.sh >&2
	@exec $(NODE) scripts/serve.mjs --port 8787 --state .footfall/dev --demo --text --with-parent

serve: ## Run the engine with PORT=… (0: a free one) and STATE=…; prints one line of JSON when it is ready.
	@scripts/build.sh >&2
	@exec $(NODE) scripts/serve.mjs --port $(PORT) --state $(STATE) --with-parent

build: ## Build the Worker into build/.
	@scripts/build.sh

test: ## Run all tests.
	@scripts/test.sh

conformance: ## Run CASES=FILE, any file of cases in the format of GrowthBook's; the last line counts them.
	@[ -n "$(CASES)" ] || { echo "make conformance needs a file of cases: make conformance CASES=path/to/cases.json" >&2; exit 2; }
	@cargo run --locked --profile tool -p footfall-cli -- conformance "$(CASES)"

simulate: ## Play FILE=…, written scenarios, with RULES=…, and say what came of them.
	@[ -n "$(FILE)" ] || { echo "make simulate needs scenarios: make simulate FILE=path/to/scenario.json [RULES=path/to/rules.json]" >&2; exit 2; }
	@cargo run --locked --quiet --profile tool -p footfall-cli -- simulate $(foreach file,$(RULES),--rules "$(file)") $(FILE)

backtest: ## Replay RECORDS=… under RULES=…, and say how that differs from AGAINST=….
	@[ -n "$(RULES)" ] && [ -n "$(RECORDS)" ] || { echo "make backtest needs rules and records: make backtest RULES=rules.json RECORDS=records.ndjson [AGAINST=published.json]" >&2; exit 2; }
	@cargo run --locked --quiet --profile tool -p footfall-cli -- backtest $(foreach file,$(RULES),--rules "$(file)") $(foreach file,$(AGAINST),--against "$(file)") $(RECORDS)

dead-letters: ## Look at what no sink took: DO="list", "show ID", "replay [ID]", "delete ID"; ADDRESS, ADMIN_TOKEN.
	@$(NODE) scripts/dead-letters.mjs $(or $(DO),--help)

origin: ## Run the example of a store's own service, with PostgreSQL, on http://localhost:8788.
	@examples/origin/run

check: ## Check formatting, lints (for the host and for wasm32) and what is depended on.
	@scripts/test.sh fmt clippy audit

fuzz: ## Fuzz TARGET=… (all: compile, index, transitions, decode, snapshot, users, access, admin) for MINUTES=… (10) each, ROUNDS=… (1) at most; fails on a find.
	@MINUTES=$(MINUTES) ROUNDS=$(or $(ROUNDS),1) scripts/fuzz.sh $(TARGET)

bench: ## Measure beside others: BENCH=rules, path (FLAGS=--help) or cost, or all; writes docs/benchmarks.md, docs/cost.md.
	@scripts/bench.sh $(BENCH) $(if $(BENCH),$(FLAGS))

crash: ## Kill the engine KILLS=… (200) times under load, drawn from SEED=… (1), within MINUTES=… (30); check what is left.
	@scripts/build.sh >&2
	@$(NODE) tests/crash/main.mjs

soak: ## Evict and wake VISITORS=… (1000) with sockets and timers in flight for MINUTES=… (10), drawn from SEED=… (1).
	@scripts/build.sh >&2
	@MINUTES=$(MINUTES) $(NODE) tests/soak/main.mjs

load: ## Play a shop's day: VISITORS=… (600), MINUTES=… (3), SEED=… (1), SCENARIO=sleepers; all with ARGS=--help.
	@cargo build --locked --quiet --manifest-path tests/load/Cargo.toml
	@case "$(ARGS)" in *--help*) ;; *) [ -n "$(ADDRESS)" ] || FOOTFALL_FEATURES=test-hooks scripts/build.sh >&2 ;; esac
	@tests/load/target/debug/footfall-load $(ARGS)

deploy: ## Deploy; without CLOUDFLARE_API_TOKEN, a dry run that checks the size.
	@scripts/deploy.sh

clean: ## Remove what was built here (not the shared tools, not node_modules, not kept state).
	@rm -rf target build build-test out
