#!/usr/bin/env bash
# Names and texts from files are never a format, a path, markup or a terminal's command.
# MLCE_BIN is the folder of the programs; MLCE_PYTHON a Python with numpy and h5py.
set -u
bin=${MLCE_BIN:?folder of the programs}
python=${MLCE_PYTHON:-python3}
"$python" -c 'import numpy, h5py' 2>/dev/null ||
    { echo "skipped: $python has no numpy and h5py"; exit 77; }
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/a/b/c" && cd "$work/a/b/c" || exit 1

"$python" - <<'PY' || exit 1
import h5py
import numpy as np

def write(path, types, words, ids):
    n = 40
    with h5py.File(path, "w") as f:
        f.attrs["format"], f.attrs["version"] = "mlce-spans", 1
        f.attrs["embedding"] = "<b>%n\x1b[2J\n../"
        f["types"] = types
        f["tokens/embeddings"] = np.random.default_rng(1).normal(size=(n * 6, 4)).astype("f4")
        f["tokens/text"] = words * n
        f["sequences/offsets"] = np.arange(n + 1) * 6
        f["sequences/id"] = [ids[i % len(ids)].replace("#", str(i)) for i in range(n)]
        f["spans/offsets"] = np.arange(n + 1) * 2
        f["spans/items"] = [s for i in range(n) for s in ([i % 6, i % 6 + 1, i % 6], [0, 6, (i + 1) % 6])]

ids = ["../../../up#", "/etc/x#", "<script>%n#", "\x1b[2J#", "..#"]
write("all.h5", ["%n%s%d", "../../../up", "<script>alert(1)</script>", "esc\x1b[31m", "new\nline\r\ttab",
                 "\u009b2J"], ["%n", "../x", "<script>", "\x1b[31m", "a\nb", "\u0085"], ids)
# What columns and brat can hold.
write("some.h5", ["%n%s%d", "../../../up", "<script>", "a", "b", "c"],
      ["%n", "../x", "<script>", "x", "%s", "."], ids)
PY
cat >train.ini <<'INI'
[model]
head_size = 2
[train]
epochs = 1
threads = 1
INI

failures=0
fail() {
    echo "FAILED: $*"
    failures=$((failures + 1))
}
# clean CODE PROGRAM ARGUMENTS...: nothing that it prints drives a terminal.
clean() {
    local code=$1
    shift
    "$bin/$1" "${@:2}" >out 2>&1
    local got=$?
    [ "$got" = "$code" ] || fail "$*: exit $got, expected $code: $(cat -v out | tail -n 3)"
    if LC_ALL=C grep -qaP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]' out; then
        fail "$*: prints a control character: $(cat -v out | grep -m 1 -aF '^')"
    fi
}
for name in all some; do
    clean 0 mlce-data validate $name.h5
    clean 0 mlce-data inspect $name.h5
    clean 0 mlce-data stats $name.h5
    clean 0 mlce-data check $name.h5 $name.h5
    clean 0 mlce-train train.ini data.train=$name.h5 data.dev=$name.h5 data.test=$name.h5 train.output=$name
    clean 0 mlce-eval $name $name.h5
    clean 0 mlce-eval $name $name.h5 --find-threshold
    clean 0 mlce-report $name
    clean 0 mlce-predict $name $name.h5 --format html -o $name.html
    clean 0 mlce-export $name --format safetensors -o $name.safetensors
    for page in $name.html $name/report.html; do
        # The pages' own script has no attributes and no alert.
        grep -qE '<script>(alert|%n|&)|<b>%n' $page && fail "$page: a name became markup"
    done
done
grep -qF '%n%s%d' all/result.txt || fail "result.txt: the type %n%s%d is not as it was"
clean 0 mlce-predict some some.h5 --format brat -o brat --threshold -9
clean 0 mlce-predict some some.h5 --format conll --overlap flat -o columns
clean 0 mlce-data convert some.h5 -o brat2 --to brat
clean 1 mlce-data convert all.h5 -o brat3 --to brat
clean 1 mlce-data inspect $'no\x9b2J\x1b[31m.h5'
grep -qF 'no\x9b2J\x1b[31m.h5' out || fail "a byte that is no UTF-8 is not shown as \\x9b: $(cat -v out)"
# Beside what was asked for nothing was written, above all not outside of this folder.
cd "$work" || exit 1
stray=$(find . -mindepth 1 ! -path './a/b/c/*' ! -path ./a ! -path ./a/b ! -path ./a/b/c)
[ -z "$stray" ] || fail "written outside of the folder: $stray"
[ "$(find a/b/c/brat a/b/c/brat2 -name '*.ann' | wc -l)" = 80 ] || fail "brat: not a file for each sequence"
[ $failures = 0 ]
