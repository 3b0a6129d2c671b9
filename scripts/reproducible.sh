#!/bin/sh
# Builds the two programs in two folders and compares them byte for byte. Needs libtorch, and the time of two builds.
set -eu
cd "$(dirname "$0")/.."
libtorch=${LIBTORCH:-$PWD/.libtorch/torch}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for name in first another/second; do
    folder=$work/$name
    mkdir -p "$folder"
    git archive HEAD | tar -x -C "$folder"
    # Where it was built is in no program: neither of Rust, nor of the C and C++ in it.
    maps="$folder=/build ${CARGO_HOME:-$HOME/.cargo}=/cargo"
    rust=; c=
    for map in $maps; do
        rust="$rust --remap-path-prefix=$map"
        c="$c -ffile-prefix-map=$map"
    done
    (cd "$folder" && LIBTORCH=$libtorch RUSTFLAGS=$rust CFLAGS=$c CXXFLAGS=$c cargo build --release --locked)
    (cd "$folder/target/release" && sha256sum fpl-repro fpl-repro-worker) >"$work/sums-$(basename "$name")"
    rm -rf "$folder/target"
done
cat "$work/sums-first"
cmp "$work/sums-first" "$work/sums-second" && echo "both builds are the same"
