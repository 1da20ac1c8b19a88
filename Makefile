# The commands of this project; `make help` lists them. The build itself is CMake's (presets in
# CMakePresets.json): these targets install what is missing, call it, and run what came of it.
SHELL := /bin/bash
.DEFAULT_GOAL := help

JOBS ?= $(shell nproc)
BUILD := build/release
export MILLRACE_DEPS ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/millrace/deps
VENV := $(MILLRACE_DEPS)/venv/bin
BINARY := $(BUILD)/millrace

# What a user may set: make run INPUT=access.tsv.gz RECORDS=100000; make serve DATA=~/millrace
INPUT ?=
RECORDS ?=
DATA ?= millrace-data
FUZZ_SECONDS ?= 20
CONFORMANCE ?= $(wildcard ../shared/conformance)
PEERS ?= $(wildcard ../shared/peers)
SUITES ?=
REPORT ?=
# In CI, results are also left as JUnit files beside the build.
CTEST_FLAGS := $(if $(CI),--output-junit ctest.xml)
PYTEST_FLAGS := $(if $(CI),--junitxml=$(BUILD)/pytest.xml --color=no)

.PHONY: help
help: ## List these commands
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | \
	  while IFS='|' read -r name text; do printf '  make %-12s %s\n' "$$name" "$$text"; done

.PHONY: setup
setup: ## Install what the build needs (safe to repeat)
	@tools/setup

.PHONY: configure
configure: setup
	@cmake --preset release -DMILLRACE_DEPS=$(MILLRACE_DEPS) -DMILLRACE_BUILD_BENCH=ON \
	  --log-level=WARNING >/dev/null

.PHONY: binary
binary: configure ## Build build/release/millrace
	@cmake --build --preset release -j $(JOBS) --target millrace_server

.PHONY: run
run: binary ## Show the main job live on generated records (or INPUT=file.tsv[.gz]), then end
	@$(BINARY) demo $(if $(INPUT),--input $(INPUT)) $(if $(RECORDS),--records $(RECORDS))

.PHONY: serve
serve: binary ## Start the server and keep it running, on DATA=folder
	@exec $(BINARY) server --data $(DATA)

.PHONY: test
test: configure ## Build and run every test: unit, engine text files, tidy, black box
	@cmake --build --preset release -j $(JOBS)
	@ctest=passed; pytest=passed; \
	ctest --test-dir $(BUILD) -j $(JOBS) --output-on-failure --no-tests=error $(CTEST_FLAGS) || \
	  ctest=FAILED; \
	$(VENV)/pytest tests $(PYTEST_FLAGS) || pytest=FAILED; \
	echo "make test: ctest $$ctest, pytest $$pytest"; \
	[ "$$ctest$$pytest" = passedpassed ]

.PHONY: test-long
test-long: binary ## Run the tests that take too long for every change
	@$(VENV)/pytest tests -m long $(PYTEST_FLAGS)

.PHONY: bench
bench: configure ## Build and run the benchmarks
	@cmake --build --preset release -j $(JOBS) --target millrace_server millrace_benches
	@MILLRACE_BINARY=$(BINARY) PYTHON=$(VENV)/python bench/run

.PHONY: fuzz
fuzz: setup ## Fuzz every parser for FUZZ_SECONDS each
	@cmake --preset fuzz -DMILLRACE_DEPS=$(MILLRACE_DEPS) --log-level=WARNING >/dev/null
	@cmake --build --preset fuzz -j $(JOBS) --target millrace_fuzzers
	@set -e; while read -r fuzzer; do \
	  corpus=build/fuzz/corpus/$$(basename $$fuzzer); mkdir -p $$corpus; \
	  echo "fuzz: $$(basename $$fuzzer), $(FUZZ_SECONDS) s"; \
	  $$fuzzer -max_total_time=$(FUZZ_SECONDS) -print_final_stats=1 -verbosity=0 $$corpus; \
	done < build/fuzz/fuzzers.txt; echo "fuzz: no finding"

.PHONY: conformance
conformance: binary ## Run suites that others wrote (SUITES="franz-go;kafkajs") and print one table
	@[ -n "$(CONFORMANCE)" ] || { \
	  echo "Name the folder of the suites: make conformance CONFORMANCE=<folder>"; exit 2; }
	@MILLRACE_BINARY=$(BINARY) $(VENV)/python tests/conformance.py $(CONFORMANCE) \
	  $(if $(PEERS),--peers $(PEERS)) $(if $(SUITES),--suites "$(SUITES)") \
	  $(if $(CASES),--cases "$(CASES)") $(if $(LOG),--log $(LOG)) \
	  $(if $(REPORT),--report $(REPORT))

.PHONY: tidy
tidy: ## Check the rules of the house and the formatting
	@python3 tools/tidy.py
	@git ls-files '*.cc' '*.h' | xargs clang-format-19 --dry-run --Werror

.PHONY: format
format: ## Format the C++ sources in place
	@git ls-files '*.cc' '*.h' | xargs clang-format-19 -i

.PHONY: install
install: configure ## Install the binary and the C++ library to PREFIX=folder
	@[ -n "$(PREFIX)" ] || { echo "Name a folder: make install PREFIX=<folder>"; exit 2; }
	@cmake --build --preset release -j $(JOBS)
	@cmake --install $(BUILD) --prefix $(PREFIX)

.PHONY: clean
clean: ## Remove the build; what setup installed stays
	@rm -rf build
