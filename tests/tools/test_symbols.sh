#!/usr/bin/env bash
# A program that links the library gets names that begin with mlce_ and no others.
. "$(dirname "${BASH_SOURCE[0]}")/claims.bash"
set -eo pipefail
! sanitized || skip "the sanitizers add names of their own"
# only_ours FILE nm-options...
only_ours() {
    local file=$1 names
    shift
    names=$(nm --defined-only --format=posix "$@" "$file" | awk 'NF > 1 { print $1 }' | sort -u)
    local foreign
    foreign=$(grep -v '^mlce_' <<<"$names" || true)
    if [ "$(grep -c '^mlce_' <<<"$names")" -lt 10 ]; then
        fail "$file: hardly a name in it; is it the library?"
    elif [ -n "$foreign" ]; then
        fail "$file exports" $foreign
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
    fail "exported, but in no public header:" $hidden_only
fi
