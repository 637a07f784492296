#!/usr/bin/env bash
# KAFKA_LOG_DIRS becomes log.dirs, and so on; formats an empty folder; then becomes the broker.
set -euo pipefail
: "${CLUSTER_ID:?}" "${KAFKA_LOG_DIRS:?}"
properties=/opt/kafka/config/server.properties
env | grep '^KAFKA_' | grep -v '^KAFKA_HEAP_OPTS=' | while IFS='=' read -r name value; do
  key=${name#KAFKA_}; key=${key,,}
  printf '%s=%s\n' "${key//_/.}" "$value"
done >"$properties"
quiet=-Dorg.slf4j.simpleLogger.defaultLogLevel=warn
# shellcheck disable=SC2086  # options, one by one
java $quiet -cp '/opt/kafka/libs/*' kafka.tools.StorageTool format --ignore-formatted \
  --cluster-id "$CLUSTER_ID" --config "$properties"
# shellcheck disable=SC2086
exec java ${KAFKA_HEAP_OPTS:-} $quiet -cp '/opt/kafka/libs/*' kafka.Kafka "$properties"
