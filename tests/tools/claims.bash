# claims.bash - what the tests of the programs share. A new test, test_NAME.sh, begins:
#
#     #!/usr/bin/env bash
#     # What it tests, in a line.
#     . "$(dirname "${BASH_SOURCE[0]}")/claims.bash"
#     needs numpy h5py        # where it runs Python with these
#
#     accepts mlce-data demo data --sequences 60
#     says 'train.h5 (60 sentences)'
#     claim 'a split has a file each' '[ -e data/dev.h5 ] && [ -e data/test.h5 ]'
#     refuses 1 'nowhere.h5' 'cannot open' -- mlce-data inspect nowhere.h5
#
# It stands in an empty folder, $folder, that is removed at the end; the programs are in PATH; what
# one printed is in the files stdout and stderr. A claim that fails is shown and the test goes on,
# to end with exit code 1. Environment: see tests/CMakeLists.txt; only MLCE_BIN must be set.
# shellcheck shell=bash
set -u
MLCE_SOURCE=${MLCE_SOURCE:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
samples=${MLCE_SAMPLE_DATA:-$MLCE_SOURCE/../shared/data}
python=${MLCE_PYTHON:-python3}
PATH=${MLCE_BIN:?folder of the programs}:$PATH
folder=$(mktemp -d) && cd "$folder" || exit 1

failures=0
at_exit() {
    local code=$?
    cd / && rm -rf "$folder"
    if [ $failures -gt 0 ]; then
        echo "$failures failed"
        code=1
    fi
    exit $code
}
trap at_exit EXIT

# skip WHY: ends the test as skipped.
skip() {
    echo "skipped: $*"
    exit 77
}
# has MODULE...: whether Python has them. needs MODULE...: the test is skipped if not.
has() {
    "$python" -c 'import sys; from importlib.util import find_spec
sys.exit(not all(map(find_spec, sys.argv[1:])))' "$@" 2>/dev/null
}
needs() { has "$@" || skip "$python has not all of: $*"; }
sanitized() { grep -q '^MLCE_SANITIZE:BOOL=ON' "$MLCE_BUILD/CMakeCache.txt"; }

# fail WHAT: it is wrong; shows what the last program complained of.
fail() {
    echo "FAILED: $*"
    [ ! -s stderr ] || sed 's/^/    /' stderr
    failures=$((failures + 1))
}
# stop WHAT: the same, and there is no going on.
stop() {
    fail "$*"
    exit 1
}
# tally WHAT COUNT DETAIL: a last line that scripts/torture adds up.
tally() { echo "$1 $2, failures $failures ($3)"; }
# claim NAME CONDITION: the condition is a command in a string, evaluated here: $1 is not the caller's.
claim() {
    if eval "$2"; then echo "ok: $1"; else fail "$1 ($2)"; fi
}

# run COMMAND...: leaves stdout and stderr in files of these names. A full disk is played by
# file_limit, the KiB that a file may have:  file_limit=64 refuses 1 'too large' -- mlce-data ...
run() {
    (
        if [ -n "${file_limit:-}" ]; then
            ulimit -f "$file_limit"
            trap '' XFSZ
        fi
        exec timeout 300 "$@"
    ) >stdout 2>stderr
}
# exits CODE COMMAND...
exits() {
    local code=$1 got=0
    shift
    run "$@" || got=$?
    [ $got = "$code" ] || fail "$*: exit code $got, expected $code"
}
accepts() { exits 0 "$@"; }

# refuses CODE TEXT... -- COMMAND...: it ends with CODE, its message begins with the program's name,
# has each TEXT and, for wrong usage (2), names --help; and no file or folder is new or gone.
refuses() {
    local code=$1 texts=() got=0 text before after so_far=$failures
    shift
    [ "$code" != 2 ] || texts=(--help)
    while [ "$1" != -- ]; do
        texts+=("$1")
        shift
    done
    shift
    : >stdout
    : >stderr
    before=$(find . | sort)
    run "$@" || got=$?
    after=$(find . | sort)
    [ $got = "$code" ] || fail "$*: exit code $got, expected $code"
    [ "$after" = "$before" ] ||
        fail "$*: new or gone: $(comm -3 <(echo "$before") <(echo "$after") | xargs)"
    grep -q "^${1##*/}: error: " stderr || fail "$*: the message does not begin with the program's name"
    for text in "${texts[@]}"; do
        grep -qF -e "$text" stderr || fail "$*: the message lacks '$text'"
    done
    [ $failures -gt "$so_far" ] || echo "ok: refuses $*"
}

# What the last program printed: on stdout, as a pattern of grep -E, not, and on stderr.
says() { grep -qF -e "$1" stdout || fail "stdout lacks '$1': $(cat stdout)"; }
matches() { grep -qE -e "$1" stdout || fail "stdout does not match '$1': $(cat stdout)"; }
says_not() { ! grep -qF -e "$1" stdout || fail "stdout has '$1'"; }
complains() { grep -qF -e "$1" stderr || fail "stderr lacks '$1'"; }

# interop NAME ARGUMENTS...: runs tests/interop/NAME.py; on small matrices NumPy's threads would only
# wait for each other. check is the same as a claim.
interop() { OPENBLAS_NUM_THREADS=1 "$python" -B "$MLCE_SOURCE/tests/interop/$1.py" "${@:2}"; }
check() { interop "$@" || fail "$*"; }
