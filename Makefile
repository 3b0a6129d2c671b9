# make quickstart   from nothing to a report, on generated data
# make test         all checks and tests
# make lint         formatting and lints alone
# make test-core    the tests that need no libtorch: everything but training, evaluation and what runs them
# make torture      300 kills, every call of the system failing, every file of a cache spoiled, the power cut at every moment
# make fuzz         20,000 hostile inputs of every kind
# make supply       advisories, licences and sources of all that is depended on; needs cargo-deny
# make verify-results   computes every published number again, from the predictions
# DEVICE=cuda       brings libtorch with CUDA (about 5 GB) instead of the CPU set

DEVICE ?= cpu

.PHONY: quickstart build lint test test-core torture fuzz supply verify-results libtorch

quickstart: build
	target/release/fpl-repro all --profile quickstart

build: libtorch
	cargo build --release

# The files that a macro declares are not found by cargo fmt.
lint: libtorch
	cargo fmt --all --check
	rustfmt --check --edition 2024 worker/src/nn/loss/*.rs
	cargo clippy --release --workspace --all-targets -- -D warnings

test: lint
	cargo test --release --workspace

# The modules of tests that run the whole program need its worker.
test-core:
	cargo test --release --package fpl-repro --package fpl-repro-core --lib
	cargo test --release --package fpl-repro --test it -- \
	    $(foreach module,bundle:: diff:: interrupt:: limits:: pipeline:: rerun:: torture:: work:: workflow:: forms::a_job,--skip $(module))

torture: build
	FPL_TORTURE=full FPL_TORTURE_KILLS=300 cargo test --release --package fpl-repro --test it -- \
	    --nocapture torture:: damage::whatever

# 20,000 changed inputs of every reader of what others may have made.
fuzz: build
	FPL_FUZZ_INPUTS=20000 cargo test --release --package fpl-repro --test it -- --nocapture hostile::

# Advisories, licences and sources of all that is depended on, by cargo-deny; without a network no advisories.
supply:
	cargo deny check

# Needs no libtorch. What is built already is not built again by itself, with other features of its dependencies.
verify-results: target/release/fpl-repro
	set -e; for bundle in reports/*/*.tar.gz; do target/release/fpl-repro verify "$$bundle"; done

target/release/fpl-repro: Cargo.lock $(shell find src crates templates -type f)
	cargo build --release --package fpl-repro

libtorch:
	@scripts/libtorch.sh $(DEVICE)
