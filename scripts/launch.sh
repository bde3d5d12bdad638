# Sourced by bin/*: builds the project if necessary, then runs one of its programs.
# shellcheck shell=sh
#
#   root=…  the checkout, as an absolute path
#   launch PROGRAM [ARGUMENT …]
#
# A build is valid for one folder, one interpreter, one pyproject.toml and one requirements.lock.
# scripts/autobuild.sh writes .venv/built, which names them. A moved or copied checkout, an upgraded
# or removed interpreter and new dependencies lead to a new build. Otherwise nothing is written, so
# a built checkout may be read-only. CHAT_VENV names another virtual environment: the tests of
# another interpreter set it.

built() {
    [ -x "$root/${CHAT_VENV:-.venv}/bin/python" ] || return 1
    # The text that autobuild.sh writes.
    [ "$(cat "$root/${CHAT_VENV:-.venv}/built" 2>/dev/null)" = "$root
$(readlink -f -- "$root/${CHAT_VENV:-.venv}/bin/python")
$(cat "$root/pyproject.toml" "$root/requirements.lock" | cksum)" ]
}

launch() {
    program=$1
    shift
    # The build prints to standard error, because another program may read the program's output.
    built || LAUNCHED=1 "$root/scripts/autobuild.sh" >&2
    exec "$root/${CHAT_VENV:-.venv}/bin/$program" "$@"
}
