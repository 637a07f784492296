#!/usr/bin/env bash
# `make compose-smoke`: docker compose up, one lead from HTTP to credit, down, and nothing is left.
# LEADMILL_COMPOSE_SMOKE=skip leaves it out. COMPOSE_IMAGES names a file of image variables
# (default: build/compose/images.env, where deploy/compose/local-images.sh has written one).
set -euo pipefail
cd "$(dirname "$0")/../.."

say() { printf 'compose-smoke: %s\n' "$*"; }
fail() { printf 'compose-smoke: %s\n' "$*" >&2; exit 1; }

if [[ ${LEADMILL_COMPOSE_SMOKE:-} == skip ]]; then say "left out, because LEADMILL_COMPOSE_SMOKE=skip"; exit 0; fi
docker version >/dev/null 2>&1 ||
  fail "no Docker engine answers. Start one, or leave this out with LEADMILL_COMPOSE_SMOKE=skip"
if docker compose version >/dev/null 2>&1; then compose=(docker compose)
elif command -v docker-compose >/dev/null; then compose=(docker-compose)
else fail "there is no docker compose. Install it, or leave this out with LEADMILL_COMPOSE_SMOKE=skip"; fi

images=${COMPOSE_IMAGES:-build/compose/images.env}
[[ $images == */* ]] || images=./$images
if [[ -f $images ]]; then
  say "images as $images names them"
  set -a; . "$images"; set +a
elif [[ -n ${COMPOSE_IMAGES:-} ]]; then fail "COMPOSE_IMAGES names no file: $images"; fi

# A project, ports and secrets of its own: it disturbs nobody's mill.
project=leadmill-smoke-$$
secret() { od -An -N32 -tx1 /dev/urandom | tr -d ' \n'; }
export COMPOSE_PROJECT_NAME=$project
export MILL_IMAGE=${MILL_IMAGE:-leadmill:smoke} MILL_PARTITIONS=${MILL_PARTITIONS:-4}
LEADMILL_IDENTITY_KEY=$(secret) LEADMILL_PEPPER=$(secret) POSTGRES_PASSWORD=$(secret)
export LEADMILL_IDENTITY_KEY LEADMILL_PEPPER POSTGRES_PASSWORD
names=(ingest scoring routing nurture analytics)
for name in "${names[@]}"; do
  port=$(.venv/bin/python -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  export "PORT_${name^^}=$port"
done

remains() {
  local label=label=com.docker.compose.project=$project
  docker ps --all --quiet --filter "$label"; docker volume ls --quiet --filter "$label"
  docker network ls --quiet --filter "$label"
}
clean_up() {
  local code=$?
  trap - EXIT
  if ((code)); then
    "${compose[@]}" ps || true
    "${compose[@]}" logs --no-color --tail=25 || true
  fi
  "${compose[@]}" down --volumes --remove-orphans --timeout 40 >/dev/null 2>&1 || true
  local left; left=$(remains)
  [[ -z $left ]] || fail "left behind: $left"
  say "down; no container, network or volume is left"
  exit "$code"
}
trap clean_up EXIT

began=$SECONDS
say "building"
"${compose[@]}" build --quiet >/dev/null
say "built after $((SECONDS - began)) s; starting"
mkdir -p build/compose
"${compose[@]}" up --detach >build/compose/up.log 2>&1 || { tail -n 20 build/compose/up.log >&2; fail "up failed"; }
services=("${names[@]}" ingest-worker)
for name in "${services[@]}"; do
  container=$("${compose[@]}" ps --quiet "$name")
  until [[ $(docker inspect --format '{{.State.Health.Status}}' "$container") == healthy ]]; do
    ((SECONDS - began < 420)) || fail "$name is not healthy after $((SECONDS - began)) s"
    sleep 1
  done
done
say "$((${#services[@]} + 2)) containers healthy after $((SECONDS - began)) s"

key=$("${compose[@]}" exec -T ingest leadmill key add website)
token=$("${compose[@]}" exec -T ingest leadmill token create smoke --role admin)
KEY=$key TOKEN=$token .venv/bin/python deploy/compose/one_lead.py
say "one lead went from HTTP to credit; $((SECONDS - began)) s in all; stopping"
"${compose[@]}" stop --timeout 40 >/dev/null 2>&1
for name in "${services[@]}"; do
  code=$(docker inspect --format '{{.State.ExitCode}}' "$(docker ps --all --quiet \
    --filter "label=com.docker.compose.project=$project" --filter "label=com.docker.compose.service=$name")")
  [[ $code == 0 ]] || fail "$name ended with exit code $code, not 0"
done
say "every service ended with exit code 0"
