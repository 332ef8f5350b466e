# Everything a fresh machine with Swift and make needs; `make help` lists the targets.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: tls-scan help run build test test-swift test-sockets bench bench-journal bench-storage bench-smoke bench-page crash fuzz fuzz-smoke sanitize lint format setup clean

CONFIGURATION ?= release
PACKAGES := zlib1g-dev libssl-dev libsqlite3-dev python3-venv
VENV := .venv
# The tests of the broker's port, which are run once more over TLS.
OVER_TLS := sessions.py bad_input.py http.py keep_alive.py stop.py transcripts.py backpressure.py slow_readers.py connection_limits.py
PYTHON := $(VENV)/bin/python

help: ## Lists the targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

run: setup ## Builds and runs the broker with the built-in simulator; prints the URLs to open.
	swift build --configuration $(CONFIGURATION) --product casebus
	exec "$$(swift build --configuration $(CONFIGURATION) --show-bin-path)/casebus" demo

build: setup ## Builds everything, tests included.
	swift build --build-tests

test: lint test-swift test-sockets bench-smoke fuzz-smoke ## Sets everything up and runs every test.

test-swift: setup ## The tests in Swift.
	swift test

test-sockets: setup $(VENV)/ready ## The protocol's files, and the broker over real sockets with other people's clients.
	swift build --product casebus
	swift build --product casebus-devtools
	$(PYTHON) Docs/reference/generate.py --check
	$(PYTHON) -m pytest --quiet Tests/ProtocolTests Tests/SocketTests
	$(PYTHON) -m pytest --quiet Tests/CrashTests
	CASEBUS_TEST_TLS=1 $(PYTHON) -m pytest --quiet $(addprefix Tests/SocketTests/test_,$(OVER_TLS))

bench: setup $(VENV)/ready ## Measures the broker beside other servers, about 15 minutes (RUNS=3, ONLY=S1,S2).
	Tests/Benchmarks/setup
	[ -n "$${CASEBUS_BINARY:-}" ] || swift build --configuration release --product casebus
	swift build --configuration release --product codec-benchmark
	python3 Tests/Benchmarks/bench.py --runs $(or $(RUNS),3) --only "$(ONLY)"

bench-journal: setup ## Measures the journal beside NATS JetStream and Redis Streams, about 5 minutes (RUNS=3, ONLY=J1,J2).
	Tests/Benchmarks/setup
	[ -n "$${CASEBUS_BINARY:-}" ] || swift build --configuration release --product casebus
	python3 Tests/Benchmarks/journal_bench.py --runs $(or $(RUNS),3) --only "$(ONLY)"

bench-smoke: setup ## The benchmark's scenarios, small, for correctness only: every delivery, in order.
	[ -n "$${CASEBUS_BINARY:-}" ] || swift build --product casebus
	python3 Tests/Benchmarks/bench.py --smoke
	python3 Tests/Benchmarks/journal_bench.py --smoke

bench-storage: setup ## Measures the journal alone on this disk, 1 minute.
	[ -n "$${CASEBUS_BINARY:-}" ] || swift build --configuration release --product casebus-devtools
	data=$$(mktemp -d -p .); trap "rm -rf $$data" EXIT; \
	"$${CASEBUS_BINARY:-$$(swift build --configuration release --show-bin-path)/casebus}-devtools" journal-bench --data "$$data/journal"

bench-page: ## Writes the results of the last bench into Docs/reference/performance.md.
	python3 Tests/Benchmarks/bench.py --page

crash: setup $(VENV)/ready ## Kills the broker under load and proves that nothing is lost, about 10 minutes (KILLS=200, SEED=…).
	[ -n "$${CASEBUS_BINARY:-}" ] || swift build --configuration release --product casebus
	export CASEBUS_BINARY="$${CASEBUS_BINARY:-$$(swift build --configuration release --show-bin-path)/casebus}"; \
	$(PYTHON) Tests/CrashTests/crash.py --kills $(or $(KILLS),200) $(if $(SEED),--seed $(SEED)); \
	$(PYTHON) Tests/CrashTests/crash.py --kills $(or $(KILLS),200) --power $(if $(SEED),--seed $(SEED)); \
	$(PYTHON) Tests/CrashTests/torn.py --images 20 $(if $(SEED),--seed $(SEED)); \
	$(PYTHON) Tests/CrashTests/full_disk.py --rounds 10 $(if $(SEED),--seed $(SEED))

FUZZ_SECONDS ?= 600

fuzz: setup ## Fuzzes frames, handshakes, inflating and messages, each for FUZZ_SECONDS (600).
	Tests/Fuzz/run $(FUZZ_SECONDS)

fuzz-smoke: setup ## The same, 20 seconds each; part of the tests.
	Tests/Fuzz/run 20

sanitize: setup ## The tests that touch C with the address sanitizer, those of threads with the thread sanitizer.
	LSAN_OPTIONS=suppressions=$(CURDIR)/Tests/leaks.supp CASEBUS_TLS_HANDSHAKES=10000 \
	swift test --scratch-path .build-asan --sanitize=address --filter 'CasebusDeflateTests|CasebusTLSTests|CasebusWebSocketTests|CasebusFuzzTests|CasebusTransportTests'
	TSAN_OPTIONS=suppressions=$(CURDIR)/Tests/races.supp \
	swift test --scratch-path .build-tsan --sanitize=thread --filter 'casebusTests|CasebusBrokerTests|CasebusJournalTests'

tls-scan: setup ## Public TLS scanners (testssl.sh, sslyze) against a broker, about 2 minutes.
	dpkg -s testssl.sh > /dev/null 2>&1 || apt-get install -y -qq testssl.sh
	[ -n "$${CASEBUS_BINARY:-}" ] || swift build --product casebus
	python3 Tests/Scanners/scan.py

lint: ## The style of the sources.
	swift format lint --strict --recursive Package.swift Sources Tests

format: ## Formats the sources.
	swift format --in-place --recursive Package.swift Sources Tests

setup: ## Installs the system packages that are missing, or says how.
	@missing=""; \
	for package in $(PACKAGES); do dpkg -s $$package > /dev/null 2>&1 || missing="$$missing $$package"; done; \
	if [ -n "$$missing" ]; then \
	  if [ "$$(id -u)" = 0 ]; then \
	    echo "installing$$missing"; apt-get update -qq && apt-get install -y -qq $$missing; \
	  else \
	    echo "missing system packages, install them with: sudo apt-get install$$missing" >&2; exit 1; \
	  fi; \
	fi

$(VENV)/ready: Tests/requirements.txt
	python3 -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --requirement Tests/requirements.txt
	touch $@

clean: ## Removes what was built.
	rm -rf .build $(VENV)
