#!/bin/sh
# Brings libtorch 2.13.0 into .libtorch/, from PyPI's wheel of PyTorch. Nothing is done when LIBTORCH is set, or when
# it is there already.
#   scripts/libtorch.sh        what a CPU needs (1.2 GB)
#   scripts/libtorch.sh cuda   everything, for an NVIDIA GPU (about 5 GB)
set -eu
cd "$(dirname "$0")/.."
device=${1:-cpu}

case $device in
cpu | cuda) ;;
*)
    echo "error: DEVICE=$device is unknown; use cpu or cuda" >&2
    exit 2
    ;;
esac
if [ -n "${LIBTORCH:-}" ]; then
    echo "libtorch: LIBTORCH=$LIBTORCH is used"
    exit 0
fi
if [ -f .libtorch/torch/lib/libtorch_cpu.so ] && { [ "$device" = cpu ] || [ -f .libtorch/cuda ]; }; then
    exit 0
fi

echo "libtorch: installing the $device set into .libtorch/"
rm -rf .libtorch.partial
if [ "$device" = cuda ]; then
    python3 -m pip install --quiet --no-compile --target .libtorch.partial torch==2.13.0
    touch .libtorch.partial/cuda
else
    # The wheel's CPU part links to these two small packages; its GPU part needs the others.
    python3 -m pip install --quiet --no-compile --no-deps --target .libtorch.partial \
        torch==2.13.0 nvidia-cuda-runtime==13.0.96 nvidia-cuda-cupti==13.0.85
fi
# A folder of this name is complete.
rm -rf .libtorch
mv .libtorch.partial .libtorch
