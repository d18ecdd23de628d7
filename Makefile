# The commands people and scripts depend on. Each begins by making .venv match the locks (nothing to do: 50 ms).
.PHONY: help demo test test-containers up down status env-up env-down env-status containers check bench kill-matrix new-psp lock lock-kafka bootstrap
.DEFAULT_GOAL := help
BIN := .venv/bin
RUN := nice -n 5
TESTS ?= -n 2 --dist worksteal
PACKS ?=

help:
	@echo "make demo             start everything, run the scenario packs, print the verdict, stop everything"
	@echo "make test             the whole test suite (TESTS='-n 0 tests/unit' for a part of it)"
	@echo "make test-containers  the tests on PostgreSQL, Temporal and Apache Kafka in containers"
	@echo "make up|down|status   the environment in the background: .payera/env.json tells where everything is"
	@echo "make env-up|env-down|env-status  the same house on containers, with Apache Kafka"
	@echo "make containers       bring it up, run smoke and cascading and the tests of containers, take it down; test-containers"
	@echo "make check            what CI runs: format, lint, types, layers, contracts, tests, packs"
	@echo "make bench            the side-by-side performance table"
	@echo "make kill-matrix      kill the api, the worker and Temporal at every step of every flow (15 minutes)"
	@echo "make new-psp NAME=x   a new provider from the reference one"
	@echo "make lock             resolve the locks again (UPGRADE=--upgrade for newer versions)"
	@echo "make lock-kafka       lock the jars of Apache Kafka again, from compose/kafka_jars/pom.xml"

bootstrap:
	@sh .ci/bootstrap

demo: bootstrap
	@$(BIN)/payera demo $(PACKS)

test: bootstrap
	$(RUN) $(BIN)/pytest $(TESTS)

# The same tests on other parts: those that use them, without the slow ones.
CONTAINER_TESTS ?= -m "not slow"
test-containers: bootstrap
	$(BIN)/python -m compose.embedded.containers images
	$(RUN) timeout --signal=INT --kill-after=30 900 $(BIN)/pytest --parts=containers $(TESTS) $(CONTAINER_TESTS) tests/integration tests/sql tests/workflows; \
	    code=$$?; $(BIN)/python -m compose.embedded.containers sweep; exit $$code

up down status: bootstrap
	@$(BIN)/payera $@

env-up env-down env-status: bootstrap
	@$(BIN)/payera env $(@:env-%=%)

containers: bootstrap
	@$(BIN)/payera env rehearse $(PACKS)
	$(MAKE) --no-print-directory test-containers

check: bootstrap
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/payera contracts verify
	$(MAKE) --no-print-directory test
	$(MAKE) --no-print-directory demo

bench: bootstrap
	@$(BIN)/python -m tests.load.bench

# MATRIX='--seeds 1 --steps "api send.after"' for a part of it
kill-matrix: bootstrap
	@$(BIN)/python -m tests.chaos.matrix $(MATRIX)

new-psp: bootstrap
	@test -n "$(NAME)" || { echo "make new-psp NAME=<slug>"; exit 2; }
	@$(BIN)/payera new-psp $(NAME)

COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --custom-compile-command "make lock" $(UPGRADE)
lock: bootstrap
	$(COMPILE) locks/bootstrap.in -o locks/bootstrap.txt
	$(COMPILE) pyproject.toml -o locks/runtime.txt
	$(COMPILE) pyproject.toml --extra dev -c locks/runtime.txt -o locks/dev.txt

lock-kafka: bootstrap
	$(BIN)/python -m compose.kafka_jars lock
