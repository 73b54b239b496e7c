# SPDX-License-Identifier: Apache-2.0
# The front door; Meson does the building. `make help` lists what there is.
.PHONY: all run test test-long lint format asan tsan fuzz bench docs install fresh mutants clean help
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
PREFIX ?= /usr/local
DESTDIR ?=

all: ## build the program: build/haven
	@tools/install-deps build
	@tools/build build $(JOBS)

run: all ## start a registry, move the example model through it and keep serving (ONCE=1: stop after that)
	@ONCE=$(ONCE) exec tools/run

test: ## everything that has to be right before a change goes in; ends with "N passed, N failed"
	@tools/install-deps build test
	@JOBS=$(JOBS) tools/test

test-long: ## the same with more rounds, larger files and freshly made inputs
	@tools/install-deps build test fuzz
	@JOBS=$(JOBS) tools/test --long

lint: ## layers, symbols, headers, length, style, format, clang-tidy, cppcheck
	@tools/install-deps build test lint
	@tools/lint --full

format: ## lay out all C files
	@tools/install-deps test
	@build/venv/bin/clang-format -i $$(git ls-files --cached --others --exclude-standard '*.c' '*.h')

asan: ## unit tests under AddressSanitizer, leak detection and UndefinedBehaviorSanitizer
	@tools/install-deps build test
	@tools/build build-asan $(JOBS)
	@tools/unit build-asan

tsan: ## unit tests under ThreadSanitizer
	@tools/install-deps build test
	@tools/build build-tsan $(JOBS)
	@tools/unit build-tsan

fuzz: ## fuzz every parser for a while (SECONDS_EACH=60)
	@tools/install-deps build test fuzz
	@tools/build build-fuzz $(JOBS)
	@tools/fuzz

bench: all ## measure against other registries; results as JSON lines in bench/results/
	@tools/install-deps bench
	@bench/run

docs: all ## write the pages that the program makes from its tables
	@build/haven errors --markdown >docs/errors.md
	@build/haven routes --markdown >docs/api/routes.md
	@build/haven config manual >docs/configuration.md

install: all ## install program and manual below $(DESTDIR)$(PREFIX)
	@meson configure build -Dprefix=$(PREFIX) >/dev/null && ninja -C build --quiet build.ninja
	@DESTDIR=$(DESTDIR) meson install -C build --no-rebuild --quiet

fresh: ## prove `make run` and `make test` on a bare Debian 12 in build/fresh (needs root)
	@tools/fresh

mutants: all ## break the program on purpose in many places; the tests have to notice each
	@tools/install-deps test
	@tools/mutants

clean: ## remove everything that was built
	rm -rf build build-asan build-tsan build-fuzz

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' Makefile
