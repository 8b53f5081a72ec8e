#!/usr/bin/env bash
# A program that links the library gets names that begin with mlce_ and no others.
set -euo pipefail
if grep -q '^MLCE_SANITIZE:BOOL=ON' "$MLCE_BUILD/CMakeCache.txt"; then
    echo "skipped: the sanitizers add names of their own"
    exit 77
fi
failed=0
# only_ours FILE nm-options...
only_ours() {
    local file=$1 names
    shift
    names=$(nm --defined-only --format=posix "$@" "$file" | awk 'NF > 1 { print $1 }' | sort -u)
    local foreign
    foreign=$(grep -v '^mlce_' <<<"$names" || true)
    if [ "$(grep -c '^mlce_' <<<"$names")" -lt 10 ]; then
        echo "FAILED: $file: hardly a name in it; is it the library?"
        failed=1
    elif [ -n "$foreign" ]; then
        echo "FAILED: $file exports" $foreign
        failed=1
    else
        echo "ok: $file: $(wc -l <<<"$names") names, all mlce_*"
    fi
}
only_ours "$MLCE_BUILD/lib/libmlce.so" --dynamic
only_ours "$MLCE_BUILD/lib/libmlce.a" --extern-only

# What is not for users stays inside the shared library.
declared=$(grep -rhoE '\bmlce_[a-z0-9_]+ *\(' "$MLCE_SOURCE/include/mlce" | tr -d ' (' | sort -u)
exported=$(nm --dynamic --defined-only --format=posix "$MLCE_BUILD/lib/libmlce.so" | awk '{ print $1 }' | sort -u)
hidden_only=$(comm -13 <(echo "$declared") <(echo "$exported"))
if [ -n "$hidden_only" ]; then
    echo "FAILED: exported, but in no public header:" $hidden_only
    failed=1
fi
exit $failed
