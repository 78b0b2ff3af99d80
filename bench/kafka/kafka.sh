#!/usr/bin/env bash
# Runs the real Apache Kafka broker (KRaft, one process) from its jars. Needs Java 17 and, once, Maven.
#
#   kafka.sh fetch                 resolve the jars into the cache (does nothing when they are there)
#   kafka.sh start DIR PORT        format DIR if it is new, start a broker on 127.0.0.1:PORT, wait until it listens
#   kafka.sh stop DIR              stop it in order
#   kafka.sh kill DIR              stop it with SIGKILL
#
# The controller listens on PORT+1. Jars are kept in $TIDEMARK_CACHE/kafka (default ~/.cache/tidemark/kafka).
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
lib=${TIDEMARK_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/tidemark}/kafka

fail() { echo "kafka.sh: $*" >&2; exit 1; }

fetch() {
  command -v java >/dev/null || fail "java not found: install a Java 17 runtime"
  [ -f "$lib/.complete" ] && return
  command -v mvn >/dev/null || fail "mvn not found: install Maven to fetch Kafka's jars"
  mkdir -p "$lib"
  # Tests of several packages come here at the same time: one fetches, the others wait for it.
  exec 9>"$lib/.lock"
  flock 9
  [ -f "$lib/.complete" ] && { exec 9>&-; return; }
  local jars=(mvn -q -B -f "$here/pom.xml" dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$lib")
  "${jars[@]}" >&2 || { sleep 10; "${jars[@]}" >&2; } # a repository that did not answer once
  touch "$lib/.complete"
  exec 9>&-
}

properties() {
  local dir=$1 port=$2
  cat <<P
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=127.0.0.1:$((port + 1))
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$((port + 1))
advertised.listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$((port + 1))
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs=$dir/data
num.partitions=4
num.network.threads=2
num.io.threads=2
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
log.retention.ms=-1
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=500
P
}

listens() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

start() {
  local dir=$1 port=$2
  fetch
  mkdir -p "$dir"
  dir=$(cd "$dir" && pwd)
  listens "$port" && fail "something listens on 127.0.0.1:$port already"
  properties "$dir" "$port" >"$dir/server.properties"
  if [ ! -f "$dir/data/meta.properties" ]; then
    local id
    id=$(java -cp "$lib/*" kafka.tools.StorageTool random-uuid 2>/dev/null)
    java -cp "$lib/*" kafka.tools.StorageTool format --standalone -t "$id" -c "$dir/server.properties" >"$dir/format.log" 2>&1 ||
      { cat "$dir/format.log" >&2; fail "cannot format $dir/data"; }
  fi
  # Its own session, so that a signal to the caller's group does not reach the broker.
  setsid java -Xms512m -Xmx1g -XX:+UseG1GC -Dorg.slf4j.simpleLogger.defaultLogLevel=warn \
    -cp "$lib/*" kafka.Kafka "$dir/server.properties" >>"$dir/broker.log" 2>&1 </dev/null &
  echo $! >"$dir/pid"
  for _ in $(seq 1 1200); do
    listens "$port" && return
    kill -0 "$(cat "$dir/pid")" 2>/dev/null || { tail -20 "$dir/broker.log" >&2; fail "the broker stopped; see $dir/broker.log"; }
    sleep 0.1
  done
  fail "the broker does not listen after two minutes; see $dir/broker.log"
}

stop() {
  local pid
  pid=$(cat "$1/pid" 2>/dev/null) || return 0
  kill "-$2" "$pid" 2>/dev/null || true
  for _ in $(seq 1 300); do
    kill -0 "$pid" 2>/dev/null || { rm -f "$1/pid"; return 0; }
    sleep 0.1
  done
  kill -KILL "$pid" 2>/dev/null || true
  rm -f "$1/pid"
}

case "${1:-}" in
  fetch) fetch ;;
  start) [ $# -eq 3 ] || fail "usage: kafka.sh start DIR PORT"; start "$2" "$3" ;;
  stop) [ $# -eq 2 ] || fail "usage: kafka.sh stop DIR"; stop "$2" TERM ;;
  kill) [ $# -eq 2 ] || fail "usage: kafka.sh kill DIR"; stop "$2" KILL ;;
  *) fail "usage: kafka.sh fetch | start DIR PORT | stop DIR | kill DIR" ;;
esac
