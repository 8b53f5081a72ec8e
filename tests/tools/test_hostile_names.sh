#!/usr/bin/env bash
# Names and texts from files are never a format, a path, markup or a terminal's command.
. "$(dirname "${BASH_SOURCE[0]}")/claims.bash"
needs numpy h5py
mkdir -p a/b/c && cd a/b/c || exit 1

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
                 "\u009b2J\x7f"], ["%n", "../x", "<script>", "\x1b[31m", "a\nb", "\u0085"], ids)
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

# clean CODE PROGRAM ARGUMENTS...: nothing that it prints drives a terminal.
clean() {
    exits "$@"
    if LC_ALL=C grep -aP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]' stdout stderr >drives; then
        fail "${*:2}: prints a control character: $(cat -v drives)"
    fi
}
# shown PROGRAM ARGUMENTS...: the same where its standard output is a terminal.
shown() {
    clean 0 "$python" -c 'import os, subprocess, sys, tty
screen, terminal = os.openpty()
tty.setraw(terminal)
with subprocess.Popen(sys.argv[1:], stdout=terminal) as program:
    os.close(terminal)
    try:
        while some := os.read(screen, 65536):
            sys.stdout.buffer.write(some)
    except OSError:  # the end
        pass
sys.exit(program.returncode)' "$@"
}
# same_json FILE FILE: one value or several.
same_json() {
    "$python" -c 'import json, sys
def values(name):
    text, at = open(name).read(), 0
    while at < len(text):
        value, at = json.JSONDecoder().raw_decode(text, at)
        at += 1
        yield value
sys.exit(list(values(sys.argv[1])) != list(values(sys.argv[2])))' "$@"
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
        claim "$page: no name became markup" "! grep -qE '<script>(alert|%n|&)|<b>%n' $page"
    done
done
claim 'result.txt: the type %n%s%d is as it was' "grep -qF '%n%s%d' all/result.txt"
for json in 'predict all all.h5 --threshold -9' 'eval all all.h5 --json' 'data stats all.h5 --json' \
    'eval all all.h5 --find-threshold --json' 'data check all.h5 all.h5 --json' 'data convert all.h5 -o -'; do
    accepts mlce-$json
    cp stdout as-file
    shown mlce-$json
    claim "mlce-$json: a terminal gets the same JSON, escaped" \
        '! cmp -s stdout as-file && same_json stdout as-file'
done
clean 0 mlce-predict some some.h5 --format brat -o brat --threshold -9
clean 0 mlce-predict some some.h5 --format conll --overlap flat -o columns
clean 0 mlce-data convert some.h5 -o brat2 --to brat
clean 1 mlce-data convert all.h5 -o brat3 --to brat
clean 1 mlce-data inspect $'no\x9b2J\x1b[31m.h5'
complains 'no\x9b2J\x1b[31m.h5'
clean 1 mlce-data inspect $'no\xe2\x80\xae\xe2\x80\xa8\xe2\x81\xa6.h5'
complains 'no\u202e\u2028\u2066.h5'
# Beside what was asked for nothing was written, above all not outside of this folder.
cd "$folder" || exit 1
stray=$(find . -mindepth 1 ! -path './a/b/c/*' ! -path ./a ! -path ./a/b ! -path ./a/b/c)
claim 'nothing was written outside of the folder' '[ -z "$stray" ]'
claim 'brat: a file for each sequence' '[ "$(find a/b/c/brat a/b/c/brat2 -name "*.ann" | wc -l)" = 80 ]'
