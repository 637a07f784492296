#!/usr/bin/env bash
# Make the images that docker-compose.yml needs where none can be pulled: a Debian by debootstrap with Python,
# Java and PostgreSQL from Debian's packages; Apache Kafka's jars by Maven; the wheels by pip. Needs root.
# What is there already is kept: build/compose/rootfs, build/compose/wheels. Writes build/compose/images.env.
set -euo pipefail
cd "$(dirname "$0")/../.."
here=deploy/compose/stand-ins
work=build/compose
python=.venv/bin/python
suite=${DEBIAN_SUITE:-bookworm}

say() { printf 'local-images: %s\n' "$*"; }
fail() { printf 'local-images: %s\n' "$*" >&2; exit 1; }

for tool in docker debootstrap mvn; do
  command -v "$tool" >/dev/null || fail "$tool is needed; on Debian: apt install docker.io debootstrap maven"
done
docker version >/dev/null 2>&1 || fail "no Docker engine answers; as root: dockerd &"
[[ -x $python ]] || fail "there is no .venv; run make venv first"
[[ $EUID -eq 0 ]] || fail "debootstrap needs root"

mkdir -p "$work/wheels"
if [[ ! -e $work/rootfs.made ]]; then
  say "making a Debian $suite in $work/rootfs (a minute or two)"
  rm -rf "$work/rootfs"
  debootstrap --variant=minbase \
    --include=python3,python3-venv,ca-certificates,openjdk-17-jre-headless,postgresql \
    "$suite" "$work/rootfs" >"$work/debootstrap.log" 2>&1 || fail "debootstrap failed; see $work/debootstrap.log"
  rm -rf "$work"/rootfs/var/cache/apt/archives/*.deb "$work"/rootfs/var/lib/apt/lists/* "$work"/rootfs/etc/apt/sources.list
  touch "$work/rootfs.made"
fi
if ! docker image inspect leadmill-local/debian:1 >/dev/null 2>&1; then
  say "importing it"
  tar -C "$work/rootfs" --exclude=./proc/* --exclude=./sys/* -c . | docker import - leadmill-local/debian:1 >/dev/null
fi

say "fetching wheels into $work/wheels"
"$python" -m pip --disable-pip-version-check --no-input download --quiet --only-binary :all: --require-hashes \
  -r requirements/runtime.txt --dest "$work/wheels"

say "building the stand-in for PostgreSQL"
docker build --quiet --tag leadmill-local/postgres:1 "$here/postgres" >/dev/null
say "building the stand-in for Kafka"
jars=$("$python" -c 'from shared.testing.kafka_jars import fetch_jars; print(fetch_jars())')
rm -rf "$work/kafka"; mkdir -p "$work/kafka"
cp "$here"/kafka/* "$work/kafka/"
cp -r "$jars" "$work/kafka/libs"
docker build --quiet --tag leadmill-local/kafka:1 "$work/kafka" >/dev/null

cat >"$work/images.env" <<'END'
PYTHON_IMAGE=leadmill-local/debian:1
POSTGRES_IMAGE=leadmill-local/postgres:1
KAFKA_IMAGE=leadmill-local/kafka:1
WHEELS=build/compose/wheels
END
say "done; $work/images.env names them, and make compose-smoke reads it"
