#!/usr/bin/env bash
# The Kafka Streams peers, with the version's name as first argument: streams.sh streams-dsl|streams-processor prepare|run|describe
# PEER_SETTINGS="name=value …" sets options otherwise for a trial; PEER_JAVA_OPTIONS adds to the JVM's.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${TIDEMARK_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/tidemark}/peers/streams
name=$1

# 3/8 of the memory are RocksDB's (Streams.java), or all is the heap's, less 512 MB for the JVM itself and network buffers.
heap() {
  local all=${BENCH_MEMORY_MB:-6144}
  case "$name ${PEER_SETTINGS:-}" in
    *streams-dsl* | *store=rocksdb*) echo $((all * 5 / 8 - 512)) ;;
    *) echo $((all - 512)) ;;
  esac
}

options() {
  echo "-Xms$(heap)m -Xmx$(heap)m -XX:+UseParallelGC ${PEER_JAVA_OPTIONS:-}"
  echo "-Dorg.slf4j.simpleLogger.defaultLogLevel=${PEER_LOG:-error} -Djava.io.tmpdir=${BENCH_DIR:-/tmp}"
}

case "${2:-}" in
  prepare) "$here/../fetch" streams ;;
  run) exec java $(options) -cp "$cache/classes:$cache/jars/*" tidemark.peers.Streams "$name" run ${PEER_SETTINGS:-} ;;
  describe)
    echo "$name: Kafka Streams $(sed -n 's/.*kafka-streams-\(.*\)\.jar/\1/p' "$here/jars.sha256"), RocksDB $(sed -n 's/.*rocksdbjni-\(.*\)\.jar/\1/p' "$here/jars.sha256"), $(java -version 2>&1 | head -1)"
    echo "JVM: $(options | tr '\n' ' ')"
    java -cp "$cache/classes:$cache/jars/*" tidemark.peers.Streams "$name" describe
    ;;
  *) echo "usage: peer prepare | run | describe" >&2; exit 2 ;;
esac
