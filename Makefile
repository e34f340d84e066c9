# `make run` and `make test` work on a bare Debian or Ubuntu machine. Everything lands under build/.
SHELL         := /bin/bash
.SHELLFLAGS   := -eu -o pipefail -c
MAKEFLAGS     += --no-builtin-rules
.DEFAULT_GOAL := help

BUILD    ?= build
SCENARIO ?= scenarios/sc21-145b.yaml
PYTHON   ?= /usr/bin/python3#                 the one whose headers apt installs
JOBS     ?= $(shell tools/build_jobs)
VENV     := $(BUILD)/venv
WEFTSIM  := $(BUILD)/weftsim
RUN      := $(BUILD)/run/$(basename $(notdir $(SCENARIO)))
PYTEST   := PYTHONPATH=$(BUILD)/python WEFTSIM=$(WEFTSIM) $(VENV)/bin/python -m pytest
SOURCES   = $(shell git ls-files -co --exclude-standard '*.cpp' '*.hpp')
say       = @printf '==> %s\n'

.PHONY: help deps venv build run wheel test test-long test-debug test-thread bench bench-compare bench-peers format format-check clean

help:           ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## */  make \1\t/p' Makefile | expand -t 22
	@echo 'Settings: SCENARIO=path.yaml  BUILD=folder  JOBS=n  PYTHON=path'

deps:           ## installs the system packages that are missing (apt; root or sudo)
	@tools/install_dependencies

venv: $(VENV)/.installed ## the Python environment of tests and bindings

$(VENV)/.installed: tests/requirements.txt | deps
	$(say) 'Installing Python packages into $(VENV)'
	@$(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/pip install --quiet --disable-pip-version-check -r $< || { \
	  echo 'make venv: pip could not install $<. Connect to a PyPI mirror and try again.' >&2; exit 1; }
	@touch $@

build: venv     ## build/weftsim and the Python package in build/python
	$(say) 'Building $(WEFTSIM) ($(JOBS) jobs)'
	@tools/build release $(BUILD) $(JOBS) -DWEFTSIM_PYTHON=ON -DPython_EXECUTABLE=$(abspath $(VENV))/bin/python

run: build      ## simulates the main job (or SCENARIO=path.yaml) and shows the published result beside it
	$(say) 'Running $(SCENARIO); trace, summary and timeline go to $(RUN).{h5,json,svg}'
	@mkdir -p $(dir $(RUN))
	@$(WEFTSIM) run $(SCENARIO) --out $(RUN).h5 --json $(RUN).json --timeline $(RUN).svg
ifeq ($(origin SCENARIO),file)
	$(say) 'Beside the published measurement'
	@$(WEFTSIM) validate --only '$(basename $(notdir $(SCENARIO)))*'
endif

wheel: venv     ## a wheel for other Linux machines, libraries included, in build/wheel
	$(say) 'Building a wheel into $(BUILD)/wheel'
	@tools/build_wheel $(abspath $(VENV))/bin/python $(BUILD)/wheel

test: build     ## every test: C++ (ctest), Python (pytest), the scenarios
	$(say) 'C++ tests'
	@ctest --test-dir $(BUILD) --parallel $(JOBS) --output-on-failure --progress
	$(say) 'Python tests and scenarios'
	@$(PYTEST) -m 'not slow'

test-long: test test-debug test-thread ## and under sanitizers, and the slow scenarios
	$(say) 'Slow Python tests'
	@$(PYTEST) -m slow

test-debug test-thread: test-%: deps
	$(say) 'C++ tests under sanitizers ($*)'
	@tools/build $* $(BUILD)-$* $(JOBS)
	@ctest --preset $* --test-dir $(BUILD)-$* --parallel $(JOBS)

bench: build    ## speed and memory, one table; also as JSON in build/bench/
	@mkdir -p $(BUILD)/bench
	@$(BUILD)/weftsim_bench --json $(BUILD)/bench/$(shell git describe --always --dirty 2>/dev/null || echo unknown).json

bench-compare:  ## ratios between two runs of make bench: A=before.json B=after.json
	@tools/bench_compare $(A) $(B)

bench-peers: build ## SimGrid and ns-3 on the same inputs, where they are installed; CASES=folder of flow lists
	@cmake --build $(BUILD) --target bench_peers -- --quiet
	@for program in $(BUILD)/bench_simgrid $(BUILD)/bench_ns3; do [[ ! -x $$program ]] || $$program $(CASES); done

format:         ## formats the C++ sources
	@command -v clang-format >/dev/null || { echo 'make format: needs clang-format; apt-get install clang-format' >&2; exit 1; }
	@clang-format -i $(SOURCES)

format-check:   ## says which C++ sources `make format` would change
	@clang-format --dry-run --Werror $(SOURCES)

clean:          ## removes what was built, keeps the Python environment
	@find $(BUILD) -mindepth 1 -maxdepth 1 ! -name venv -exec rm -rf {} +
	@rm -rf $(BUILD)-debug $(BUILD)-thread
