# make quickstart   from nothing to a report, on generated data
# make test         all checks and tests
# DEVICE=cuda       brings libtorch with CUDA (about 5 GB) instead of the CPU set

DEVICE ?= cpu

.PHONY: quickstart build test libtorch

quickstart: build
	target/release/fpl-repro all --profile quickstart

build: libtorch
	cargo build --release

test: libtorch
	cargo fmt --all --check
	cargo clippy --release --workspace --all-targets -- -D warnings
	cargo test --release --workspace

libtorch:
	@scripts/libtorch.sh $(DEVICE)
