#!/usr/bin/env bash
# Runs wrk, ab and h2load against muduopy.http for a while each, and prints what they say.
#
#   scripts/http_tools.sh [SECONDS]
#
# Needs .venv (scripts/autobuild.sh) and the Debian packages wrk, apache2-utils and nghttp2-client.
# It ends with status 1 if a tool finds an answer that is wrong. The suite has a short run of each.
set -euo pipefail
cd -P -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/.."
seconds=${1:-10}
port=$(.venv/bin/python -c 'from bench.common import free_port; print(free_port())')
.venv/bin/python bench/http_servers/muduopy_http.py 127.0.0.1 "$port" 2 &
server=$!
trap 'kill "$server"' EXIT
url=http://127.0.0.1:$port
until curl -s -o /dev/null "$url/"; do
    kill -0 "$server"
    sleep 0.1
done

said=$(mktemp)
check() {
    echo "== $*"
    "$@" | tee "$said"
    ! grep -E 'Non-2xx|Socket errors|Failed requests: +[1-9]|[1-9][0-9]* (failed|errored)' "$said"
}

for connections in 1 50 500; do
    check wrk -t1 "-c$connections" "-d${seconds}s" --latency "$url/"
done
check wrk -t1 -c20 "-d${seconds}s" "$url/down?1048576"
check ab -q -t "$seconds" -n 1000000 -c 50 "$url/"
check ab -q -k -t "$seconds" -n 1000000 -c 50 "$url/"
check h2load --h1 -D "$seconds" -c 50 -m 16 "$url/"
echo "no tool found a wrong answer"
