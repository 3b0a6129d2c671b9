# fpl-repro with its libtorch, on a CPU or an NVIDIA GPU:
#   docker build -t fpl-repro .                           # CPU, an image of about 2 GB
#   docker build -t fpl-repro:cuda --build-arg DEVICE=cuda .   # CUDA, about 7 GB; run it with `--gpus all`
#   docker run --rm -v "$PWD/cache:/project/cache" -v "$PWD/reports:/project/reports" fpl-repro all --profile quickstart
# Cache and reports come to lie in the mounted folders. A folder with a configuration of its own takes the place of all of
# /project: -v "$PWD:/project".

FROM rust:1.95-bookworm AS build
ARG DEVICE=cpu
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends g++ make python3 python3-pip \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /opt/fpl-repro
COPY . .
# The worker looks for libtorch where it was linked, so the second stage has it in the same place.
RUN PIP_BREAK_SYSTEM_PACKAGES=1 make build DEVICE="$DEVICE" \
    && strip target/release/fpl-repro target/release/fpl-repro-worker

FROM debian:bookworm-slim
# libgomp is the OpenMP runtime of libtorch; the certificates are for downloads.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates libgomp1 libstdc++6 \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /opt/fpl-repro/.libtorch /opt/fpl-repro/.libtorch
COPY --from=build /opt/fpl-repro/target/release/fpl-repro /opt/fpl-repro/target/release/fpl-repro-worker /usr/local/bin/
WORKDIR /project
COPY --from=build /opt/fpl-repro/pipeline.toml /opt/fpl-repro/paper.toml /opt/fpl-repro/registered.toml ./
COPY --from=build /opt/fpl-repro/profiles ./profiles
ENTRYPOINT ["fpl-repro"]
CMD ["--help"]
