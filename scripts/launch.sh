# Read by bin/*: builds the project if need be, then runs one of its programs.
# shellcheck shell=sh
#
#   root=…  the checkout, as an absolute path
#   launch PROGRAM [ARGUMENT …]
#
# A build is good for one place, one interpreter and one pyproject.toml: scripts/autobuild.sh
# writes the three into .venv/built. A checkout that was moved or copied, an interpreter that was
# upgraded or removed, and new dependencies all lead to a new build. Otherwise nothing is written:
# a checkout that was built may be read-only.

built() {
    [ -x "$root/.venv/bin/python" ] || return 1
    # This is the text that autobuild.sh writes.
    [ "$(cat "$root/.venv/built" 2>/dev/null)" = "$root
$(readlink -f -- "$root/.venv/bin/python")
$(cksum <"$root/pyproject.toml")" ]
}

launch() {
    program=$1
    shift
    # The build speaks on standard error: the program's output may be read by another program.
    built || LAUNCHED=1 "$root/scripts/autobuild.sh" >&2
    exec "$root/.venv/bin/$program" "$@"
}
