#!/usr/bin/env bash
# mlce-data convert, run as a user runs it.
. "$(dirname "${BASH_SOURCE[0]}")/claims.bash"

converts() { accepts mlce-data convert "$@"; }
same() { diff -r "$1" "$2" >stderr || fail "$1 and $2 differ"; }

# What a person types: columns to a dataset, a second split with the first one's types, and back.
printf 'Ada\tB-PER\nLovelace\tI-PER\nsleeps\tO\n\nBonn\tB-LOC\n\n' >train.conll
printf 'Rom B-LOC\r\n\r\n' >dev.conll
converts train.conll -o train.h5
says "train.h5: 2 sequences, 4 tokens, 2 spans of 2 types, 256 features"
converts dev.conll -o dev.h5 --types-from train.h5 --embed hash:32 --precision f32
says "1 spans of 2 types, 32 features"
converts train.h5 -o back.conll
same train.conll back.conll
accepts mlce-data inspect train.h5
says "made by     hash:256"
says "LOC"
printf 'a\tB-X\n' >bad.conll
refuses 1 "bad.conll:1: the type 'X' is not one of train.h5" -- mlce-data convert bad.conll -o x.h5 --types-from train.h5

# The order of types.
converts train.conll -o - --to conll
same train.conll stdout
converts train.conll -o first.h5 --types first
mlce-data inspect first.h5 --rows 0 | grep -A1 'type  ' | grep -q PER || fail "--types first"

# All that a dataset holds goes through JSONL, brat and columns and comes back: nested spans, ids,
# documents, emoji with joiners, combining marks, Chinese without spaces, right to left.
cat >world.jsonl <<'END'
{"id":"a/1","document":0,"text":"👩‍👩‍👧 met Zoë 🇩🇪!","label":[[0,5,"FAM"],[10,14,"PER"],[6,17,"ALL"]]}
{"id":"b","document":0,"text":"東京大学で学ぶ","label":[[0,4,"ORG"],[0,2,"LOC"]]}
{"id":"c","document":1,"text":"זה דוד בן־גוריון.","label":[[3,16,"PER"],[7,16,"FAM"]]}
{"id":"d","document":2,"text":"  two\nlines\t\n","label":[]}
{"id":"e","document":3,"text":"José à Málaga, محمد بن سلمان, नरेन्द्र मोदी","label":[[0,16,"ALL"],[0,5,"PER"],[9,16,"LOC"],[18,31,"PER"],[18,22,"FAM"],[33,46,"PER"]]}
END
converts world.jsonl -o world.h5 --embed hash:8
says "5 sequences"
converts world.h5 -o own.jsonl
converts own.jsonl -o own.h5 --embed hash:8
same world.h5 own.h5
converts own.h5 -o own2.jsonl
same own.jsonl own2.jsonl
grep -qF '"text":"  two\nlines\t\n"' own.jsonl || fail "the text as written is lost"
mkdir pipes && echo a >pipes/a.txt && mkfifo pipes/a.ann
refuses 1 'pipes/a.ann: is no regular file' -- mlce-data convert pipes -o pipes.h5
converts world.h5 -o world.brat --to brat
[ "$(find world.brat -type f | sort | xargs)" = "world.brat/a_1.ann world.brat/a_1.txt \
world.brat/c.ann world.brat/c.txt world.brat/d.ann world.brat/d.txt world.brat/e.ann world.brat/e.txt" ] || fail "$(find world.brat)"
grep -qP '^T1\tFAM 0 5\t👩‍👩‍👧$' world.brat/a_1.ann || fail "$(cat world.brat/a_1.ann)"
for split in lines none; do
    converts world.brat -o brat.h5 --embed hash:8 --split $split
    converts brat.h5 -o brat-again-$split
    same world.brat brat-again-$split
done
converts own.jsonl -o world.conll
says "2 columns of tags"
complains "columns hold no text"
converts world.conll -o columns.h5 --embed hash:8
for scheme in iob1 iob2 bioes bilou; do
    converts columns.h5 -o $scheme.conll --scheme $scheme
    converts $scheme.conll -o $scheme.h5 --embed hash:8 --scheme $scheme
    same columns.h5 $scheme.h5
done
same iob2.conll world.conll

# Ids that were numbers are numbers again, also from a part, a union and predictions of the dataset.
printf '%s\n' '{"id":7,"tokens":["Ada"],"spans":[{"start":0,"end":1,"type":"PER"}]}' \
    '{"id":-9007199254740993,"tokens":["in","Bonn"],"spans":[{"start":1,"end":2,"type":"LOC"}]}' >numbers.jsonl
converts numbers.jsonl -o numbers.h5
converts numbers.h5 -o numbers2.jsonl
same numbers.jsonl numbers2.jsonl
accepts mlce-data merge numbers.h5 numbers.h5 -o twice.h5
converts twice.h5 -o - && cat numbers.jsonl numbers.jsonl | cmp -s - stdout || fail "merged: $(cat stdout)"
accepts mlce-data split numbers.h5 --into a=0.5,b=0.5 -o half
converts half-a.h5 -o - && grep -qE '^\{"id":(7|-9007199254740993),' stdout || fail "split: $(cat stdout)"
sed 's/"id":7/"id":"7"/' numbers.jsonl >mixed.jsonl
converts mixed.jsonl -o - && cmp -s mixed.jsonl stdout || fail "JSONL -> JSONL changes ids: $(cat stdout)"
converts mixed.jsonl -o mixed.h5
converts mixed.h5 -o - && [ "$(grep -cE '^\{"id":"(7|-9007199254740993)"' stdout)" = 2 ] || fail "mixed ids: $(cat stdout)"

# What is not kept is said.
printf '# sent_id = s1\n# text = a b\n# newpar\n1\tAda\tNNP\tx\tB-PER\n2\tin\tIN\ty\tO\n\n' >wide.conll
converts wide.conll -o - --to conll
printf '# id s1\nAda\tB-PER\nin\tO\n\n' | cmp -s - stdout || fail "other columns: $(cat stdout)"
complains "mlce-data: 2 other columns: not kept"
complains "mlce-data: 2 comments: not kept"
echo '{"tokens":["a"],"ner_tags":["O"],"pos_tags":["DT"],"meta":{"by":"me"},"_session_id":1}' >members.jsonl
converts members.jsonl -o -
complains "2 other members of objects, as 'pos_tags': not kept"
for file in numbers.jsonl world.conll; do
    converts $file -o x.jsonl
    ! grep -q 'not kept' stderr || fail "$file: $(cat stderr)"
done
rm x.jsonl

# Brat's own things: several parts, other annotations, one file of a pair.
mkdir in && printf 'a b c\n\nd\n' >in/doc.txt
printf 'T1\tX 0 1;4 5\ta c\nT2\tY 7 8\td\nE1\tY:T2\n' >in/doc.ann
converts in/doc.ann -o - 
complains "1 span had several parts: taken as a whole"
complains "1 annotation of another kind: left out"
says '"start":0,"end":3,"type":"X"'
converts in -o - --discontinuous drop
says_not '"X"'

# Names of tags that are numbers; standard input; predictions; items.
echo '{"tokens":["Ada","L"],"ner_tags":[1,2]}' >hf.jsonl
refuses 1 "hf.jsonl:1: the tag of token 0: is a number" -- mlce-data convert hf.jsonl -o x.h5
echo '{"features":{"ner_tags":{"feature":{"names":["O","B-PER","I-PER"]}}}}' >info.json
for names in O,B-PER,I-PER info.json; do
    converts - -o - --labels $names <hf.jsonl
    says '{"start":0,"end":2,"type":"PER"}'
done
printf '%s\n' '{"id":"i","text":"t","features":[0.5,-1.25],"labels":["x","y"]}' \
    '{"id":"j","text":"u","features":[1,0.1],"labels":[]}' >items.jsonl
converts items.jsonl -o items.h5 --precision f32
says "2 items, 2 labels of 2 types, 2 features"
converts items.h5 -o items2.jsonl
converts items2.jsonl -o items2.h5 --precision f32
same items.h5 items2.h5
printf '{"text":"good film","label":["pos"]}\n{"text":"x","label":[]}\n' >class.jsonl
refuses 1 "--task labels" -- mlce-data convert class.jsonl -o x.h5
converts class.jsonl -o class.h5 --task labels --embed hash:16
printf 'In Bonn.\n\nNow\n' >notes.txt
converts notes.txt --from text -o notes.h5 --types-from train.h5
says "2 sequences, 4 tokens, 0 spans of 2 types"

# Word vectors: text with and without sizes, binary; lower case; what is unknown.
printf 'ada 1 2\nbonn 3 4\nx y 9 9\n' >plain.vec
{ echo '3 2'; cat plain.vec; } >sized.vec
printf '2 2\nada \0\0\200\077\0\0\0\100\nbonn \0\0\100\100\0\0\200\100\n' >binary.bin
for file in plain.vec sized.vec binary.bin; do
    converts train.conll -o $file.h5 --embed vectors:$file
    says "2 features"
    complains "of 4 tokens, 2 have their vector in lower case, 2 (50.0%) have none: zeros"
    tail -c 300000 $file.h5 | od -An -tx1 -v | tr -d ' \n' | grep -q '003c004000000000000000000042004' ||
        fail "$file: other embeddings"
done
printf 'ada 1 2 3 4 5 6 7 8\n' >wide.vec
converts train.conll -o oov.h5 --embed vectors:wide.vec --oov hash
complains "3 (75.0%) have none: hashed"
printf 'ada 1 2\nbonn 3\n' >short.vec
refuses 1 "short.vec:2: the row is short" -- mlce-data convert train.conll -o x.h5 --embed vectors:short.vec
printf 'ada 1 2\nbonn 3 nan\n' >nan.vec
refuses 1 "nan.vec:2: number 2 of 'bonn' is not a finite number" -- mlce-data convert train.conll -o x.h5 --embed vectors:nan.vec
head -c 20 binary.bin >cut.bin
refuses 1 "cut.bin: vector 2 of 2 is cut short" -- mlce-data convert train.conll -o x.h5 --embed vectors:cut.bin
: >empty.vec
refuses 1 "empty.vec:1: holds no vectors" -- mlce-data convert train.conll -o x.h5 --embed vectors:empty.vec
refuses 1 "missing.vec: cannot open" -- mlce-data convert train.conll -o x.h5 --embed vectors:missing.vec

# Bad input leaves nothing behind.
printf 'a\tO\nb\tB_X\n' >bad.conll
refuses 1 "bad.conll:2: 'B_X' (column 2) is no tag" -- mlce-data convert bad.conll -o x.h5
refuses 1 "bad.conll:2: 'B_X' (column 2) is no tag" -- mlce-data convert bad.conll -o x --to brat
for kind in h5 jsonl conll brat; do
    printf 'a\tx\tO\nb\tO\n' >bad.conll
    refuses 1 "bad.conll:2: has 2 columns where the first row has 3" -- mlce-data convert bad.conll -o x.$kind --to ${kind/h5/hdf5}
    printf 'a\tO\nb\377\tO\n' >bad.conll
    refuses 1 "bad.conll:2: byte 2 (0xFF) is not UTF-8" -- mlce-data convert bad.conll -o x.$kind --to ${kind/h5/hdf5}
    printf '{"text":"ab","label":[]}\n{"text":"ab","label":[[1,3,"X"]]}\n' >bad.jsonl
    refuses 1 "bad.jsonl:2: span 0: start 1, end 3, type X: runs past the text's 2" -- mlce-data convert bad.jsonl -o x.$kind --to ${kind/h5/hdf5}
    printf '{"text":"ab","label":[]}\n{"text":' >bad.jsonl
    refuses 1 "bad.jsonl:2: is not JSON" -- mlce-data convert bad.jsonl -o x.$kind --to ${kind/h5/hdf5}
done
printf 'a\tO\n\n' >plain.conll
refuses 1 "give those of the training data with --types-from" -- mlce-data convert plain.conll -o x.h5
: >empty
refuses 1 "empty:1: the file is empty" -- mlce-data convert empty -o x.h5
printf '\n\n' >blank
refuses 1 "blank: holds no sequences" -- mlce-data convert blank -o x.h5
printf '\037\213\010' >z.gz
refuses 1 "z.gz: is compressed" -- mlce-data convert z.gz -o x.h5
refuses 1 "missing: cannot open" -- mlce-data convert missing -o x.h5
refuses 1 "is read by this command" -- mlce-data convert train.conll -o train.conll
mkdir reads && cd reads
printf 'Bonn' >a.txt && printf 'T1\tLOC 0 4\tBonn\n' >a.ann
printf 'Bonn 1 2\n' >vectors.txt && printf 'O\nB-LOC\n' >tags
printf '{"tokens":["Bonn"],"tags":[1]}\n' >numbers.jsonl
cp ../train.h5 ../train.conll .
sum=$(cat a.* train.* vectors.txt tags | cksum)
cannot_be() { refuses 1 "$1: is read by this command" -- mlce-data convert "${@:2}" -o "$1"; }
cannot_be train.h5 ../dev.conll --types-from train.h5
cannot_be train.h5 ../dev.conll --types-from 'trai*.h5'
cannot_be a.txt a.ann --to jsonl
cannot_be a.ann . --to jsonl
cannot_be vectors.txt train.conll --embed vectors:vectors.txt --to hdf5
cannot_be tags numbers.jsonl --labels tags --to conll
cannot_be train.conll - <train.conll
[ "$(cat a.* train.* vectors.txt tags | cksum)" = "$sum" ] || fail "what was read is not as it was"
cd ..
refuses 1 "world.brat: exists already" -- mlce-data convert train.conll -o world.brat --to brat
refuses 1 "a dataset holds embeddings" -- mlce-data convert train.conll -o x.h5 --embed none
refuses 1 "'word' names no embedding" -- mlce-data convert train.conll -o x.h5 --embed word
refuses 1 "items with labels have no columns" -- mlce-data convert items.h5 -o x.conll
printf '{"tokens":["a\\tb"],"spans":[]}\n' >tab.jsonl
refuses 1 "columns cannot hold it, write JSONL" -- mlce-data convert tab.jsonl -o x.conll
deep() { # deep N: a sequence of N spans that all overlap
    awk -v n="$1" 'BEGIN { printf "{\"tokens\":["; for (i = 1; i <= n; i++) printf "%s\"a\"", (i > 1 ? "," : "")
        printf "],\"spans\":["; for (i = 1; i <= n; i++) printf "%s{\"start\":0,\"end\":%d,\"type\":\"A\"}", (i > 1 ? "," : ""), i
        print "]}" }'
}
deep 32 >deep.jsonl
converts deep.jsonl -o deep.conll
says "32 spans of 1 types, 32 columns of tags"
deep 33 >deep.jsonl
refuses 1 "more columns would be needed than the 32 that are allowed" -- mlce-data convert deep.jsonl -o x.conll
mkdir nothing
refuses 1 "nothing: holds no brat documents" -- mlce-data convert nothing -o x.h5
refuses 2 "convert takes one input, 0 given" -- mlce-data convert -o x.h5
refuses 2 "the output is missing" -- mlce-data convert train.conll
refuses 2 "names no format: give --to" -- mlce-data convert train.conll -o x.y
refuses 2 "--cut: there is no 'off': widen, drop, error" -- mlce-data convert train.conll -o x.h5 --cut off
refuses 2 "--tag-columns: '0' is not a whole number" -- mlce-data convert train.conll -o x.h5 --tag-columns 0
for i in $(seq 400); do echo "token$i B-X"; done >big.conll
file_limit=16 refuses 1 full.h5 -- mlce-data convert big.conll -o full.h5
accepts mlce-data convert --help
says "mlce-data convert train.conll -o train.h5"
claim 'the help fits 100 columns' '! grep -qE ".{101}" stdout'

# Predictions, on a dataset without text, become annotations.
accepts mlce-data demo demo --sequences 60 --dim 32
printf '[data]\ntrain=demo/train.h5\ndev=demo/dev.h5\n[train]\nepochs=1\noutput=run\n[model]\nhead=efficient_global_pointer\n' >ner.ini
accepts mlce-train ner.ini
converts demo/dev.h5 -o demo.conll
converts demo.conll -o demo.h5 --embed hash:32 --types-from demo/train.h5
accepts mlce-predict run demo.h5 -o predicted.jsonl
converts predicted.jsonl -o predicted --to brat
[ "$(find predicted -name '*.ann' | wc -l)" = 12 ] || fail "$(find predicted)"

# Memory is that of a record, not of the file: peaks over 1 MB and over 13 MB of input are alike.
peak() { # peak INPUT: KiB
    "${MLCE_PYTHON:-python3}" -c '
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)' mlce-data convert "$1" -o peak.h5 --embed hash:16
}
if "${MLCE_PYTHON:-python3}" -c 'import resource' 2>/dev/null; then
    awk 'BEGIN { for (s = 0; s < 5000; s++) { for (t = 0; t < 20; t++)
        printf "token%d\t%s\n", (s * 7 + t * 31) % 997, (s + t) % 9 ? "O" : "B-LOC"; print "" } }' >small.conll
    awk 'BEGIN { for (s = 0; s < 8000; s++) {
        printf "{\"id\":%d,\"text\":\"In Bonn", s; for (t = 0; t < 12; t++) printf " token%d", (s * 7 + t * 31) % 997
        print "\",\"label\":[[3,7,\"LOC\"]]}" } }' >small.jsonl
    for kind in conll jsonl; do
        for i in $(seq 12); do cat small.$kind; done >large.$kind
        small=$(peak small.$kind) large=$(peak large.$kind)
        echo "convert $kind: $(($(stat -c %s small.$kind) >> 10)) KiB of input: peak $((small >> 10)) MiB, \
$(($(stat -c %s large.$kind) >> 20)) MiB: peak $((large >> 10)) MiB"
        [ $((large - small)) -lt 12000 ] || fail "convert $kind: the peak grows from $small to $large KiB"
    done
    rm -f large.* peak.h5
else
    echo "skipped: memory: no python3"
fi

# Lines that CR alone ends would be one.
printf 'EU\tB-ORG\rrejects\tO\r\rGerman\tB-MISC\r' >cr.conll
refuses 1 'cr.conll:1: a carriage return within the line' -- mlce-data convert cr.conll -o cr.jsonl

# Ranges behind the text, which what writes spans' text would look up; numbers beyond float32.
printf '{"text":"ab","tokens":["ab"],"chars":[[0,100000000]],"spans":[{"start":0,"end":1,"type":"t"}]}\n' >far.jsonl
refuses 1 'far.jsonl:1: token 0: start 0, end 100000000' -- mlce-data convert far.jsonl -o far --to brat
printf '{"text":"ab","tokens":[{"text":"ab","start":900000000,"end":900000002}],"spans":[{"start":0,"end":1,"type":"t"}]}\n' >far.jsonl
refuses 1 'far.jsonl:1: token 0: start 900000000' -- mlce-data convert far.jsonl -o far --to brat
printf '{"features":[1e300,1],"labels":["a"]}\n' >far.jsonl
refuses 1 'feature 0 is 1e+300: too large for float32' -- mlce-data convert far.jsonl -o far2.jsonl

# Real files: the same sequences and spans as in the datasets beside them.
dump() { mlce-data convert "$1" -o - | sed -E 's/"(id|document)":[^,]*,//g'; }
if [ -r "$samples/germeval2014/b.h5" ]; then
    for file in wnut17/train.conll wnut17/dev.conll germeval2014/a.tsv germeval2014/b.tsv; do
        converts "$samples/$file" -o sample.h5 --embed hash:8
        dump sample.h5 >ours
        dump "$samples/${file%.*}.h5" >theirs
        [ "$(wc -l <ours)" -gt 1000 ] || fail "$file: $(wc -l <ours) sequences"
        cmp -s ours theirs || fail "$file: not as in the dataset beside it: $(diff ours theirs | head -4)"
        mlce-data inspect sample.h5 --rows 0 | sed -n '/type  /,$p' >ours
        mlce-data inspect "$samples/${file%.*}.h5" --rows 0 | sed -n '/type  /,$p' >theirs
        cmp -s ours theirs || fail "$file: other types: $(diff ours theirs | head -4)"
    done
else
    echo "skipped: no sample data in $samples"
fi
