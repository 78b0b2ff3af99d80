#!/usr/bin/env bash
# The batch peers, with the engine's name as first argument: batch.sh duckdb|clickhouse prepare|run|describe
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${TIDEMARK_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/tidemark}/peers/batch

case "${2:-}" in
  prepare)
    "$here/../fetch" batch
    (cd "$here" && go build -o "$cache/export" ./export)
    ;;
  run) exec "$cache/bin/python" "$here/recompute.py" "$1" run "$cache/export" ;;
  describe) exec "$cache/bin/python" "$here/recompute.py" "$1" describe ;;
  *) echo "usage: peer prepare | run | describe" >&2; exit 2 ;;
esac
