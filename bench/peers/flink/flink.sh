#!/usr/bin/env bash
# The Flink peers, with the backend's name as first argument: flink.sh flink-rocksdb|flink-heap prepare|run|describe
# PEER_SETTINGS="name=value …" sets Flink's options otherwise for a trial; PEER_JAVA_OPTIONS adds to the JVM's.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${TIDEMARK_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/tidemark}/peers/flink
name=$1

# Half of the memory is RocksDB's, or all is the heap's, less 512 MB for the JVM itself and the network buffers.
heap() {
  local all=${BENCH_MEMORY_MB:-6144}
  if [ "$name" = flink-rocksdb ]; then echo $((all / 2 - 512)); else echo $((all - 512)); fi
}

options() {
  echo "-Xms$(heap)m -Xmx$(heap)m -XX:+UseParallelGC -XX:MaxDirectMemorySize=512m -XX:+IgnoreUnrecognizedVMOptions ${PEER_JAVA_OPTIONS:-}"
  # Flink 2.2 on Java 17 asks for these in its default configuration (env.java.default-opts.all).
  echo "--add-exports=java.rmi/sun.rmi.registry=ALL-UNNAMED --add-exports=java.security.jgss/sun.security.krb5=ALL-UNNAMED"
  for package in lang net io nio text time util util.concurrent util.concurrent.atomic util.concurrent.locks; do
    echo "--add-opens=java.base/java.$package=ALL-UNNAMED"
  done
  echo "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED --add-opens=java.base/sun.net.util=ALL-UNNAMED --add-exports=java.base/sun.net.util=ALL-UNNAMED"
  echo "-Dlog4j2.configurationFile=file:$here/log4j2.properties -Djava.io.tmpdir=${BENCH_DIR:-/tmp}"
}

case "${2:-}" in
  prepare) "$here/../fetch" flink ;;
  run) exec java $(options) -cp "$cache/classes:$cache/jars/*" tidemark.peers.Flink "$name" "$here/job.sql" ${PEER_SETTINGS:+"$PEER_SETTINGS"} ;;
  describe)
    echo "$name: Apache Flink $(sed -n 's/.*flink-runtime-\(.*\)\.jar/\1/p' "$here/jars.sha256"), Kafka connector $(sed -n 's/.*flink-sql-connector-kafka-\(.*\)\.jar/\1/p' "$here/jars.sha256"), $(java -version 2>&1 | head -1)"
    echo "JVM: $(options | tr '\n' ' ')"
    java -cp "$cache/classes:$cache/jars/*" tidemark.peers.Flink "$name" describe
    cat "$here/job.sql"
    ;;
  *) echo "usage: peer prepare | run | describe" >&2; exit 2 ;;
esac
