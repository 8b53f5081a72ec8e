#!/usr/bin/env bash
# The manual pages and shell completion that the build makes: pages without a warning that hold every
# option, and what bash offers at a place.
. "$(dirname "${BASH_SOURCE[0]}")/claims.bash"
docs=$MLCE_BUILD/docs
[ -e "$docs/made" ] || skip "built without MLCE_DOCS"

# ---- Pages ----
pages=("$docs"/man?/*.gz)
[ ${#pages[@]} -ge 16 ] || fail "only ${#pages[@]} pages"
for page in "${pages[@]}"; do
    name=$(basename "$page" .gz) section=${page%.gz}
    section=${section##*.} name=${name%.*}
    if command -v man >/dev/null; then
        said=$(LC_ALL=C.UTF-8 MANWIDTH=80 man --warnings --encoding=UTF-8 -l "$page" 2>&1 >"$folder/page.txt") || fail "man $name: $said"
        [ -z "$said" ] || fail "$name: $said"
        text=$(sed 's/.\x08//g' "$folder/page.txt")
    else
        text=$(zcat "$page" | sed 's/\\-/-/g; s/\\f[BIR]//g')
    fi
    if [ "$section" = 5 ]; then
        grep -q 'loss.name' <<<"$text" && grep -qE '^ +lr_scale = 1' <<<"$text" || fail "$name lacks keys"
        continue
    fi
    command=$name
    [[ $name != mlce-data-* ]] || command="mlce-data ${name#mlce-data-}"
    for option in $($command --help | grep -oE '^ {2,6}(-[a-z], )?--[a-z-]+' | grep -oE -- '--[a-z-]+'); do
        grep -qE -- "^ +(-[a-z], )?$option( |$|,)" <<<"$text" || fail "$name: no $option"
    done
    for heading in NAME SYNOPSIS DESCRIPTION OPTIONS EXAMPLES 'SEE ALSO'; do
        grep -q "$heading\$" <<<"$text" || fail "$name: no $heading"
    done
    # Every example stands in a line of its own.
    while read -r line; do
        grep -qF -- "$line" <<<"$text" || fail "$name: example '$line'"
    done < <($command --help | sed -n '/^examples:/,/^$/s/^  //p')
done

# ---- Completion ----
cat >"$folder/ask.bash" <<'END'
# ask WORD...: what is offered for the last word.
ask() {
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
    _mlce_complete
    echo "${COMPREPLY[*]-}"
}
END
# offers EXPECTED WORD...: in bash, and in zsh where it is there.
offers() {
    local expected=$1 got shell
    shift
    for shell in bash zsh; do
        command -v $shell >/dev/null || continue
        if [ $shell = bash ]; then
            got=$(bash -uc '. "$0"; . "$1"; shift; ask "$@"' "$docs/bash-completion/completions/mlce-data" "$folder/ask.bash" "$@" 2>&1)
        else
            # As _bash_complete runs it; the file's last line needs the completion system itself.
            got=$(zsh -fc 'autoload -Uz bashcompinit && bashcompinit
                eval "$(sed "\$d" "$1/zsh/site-functions/_mlce")"; . "$2"; shift 2
                emulate -L sh; setopt kshglob noshglob braceexpand; ask "$@"' zsh "$docs" "$folder/ask.bash" "$@" 2>&1)
        fi
        [[ " $got " == $expected ]] || fail "$shell offers '$got' for '$*'"
    done
}
offers '* convert * demo *' mlce-data ''
offers ' convert ' mlce-data con
offers ' --discontinuous ' mlce-data convert in.conll --disc
offers ' iob1 iob2 bioes bilou ' mlce-data convert in.conll --scheme ''
offers ' safetensors onnx hdf5 ' /usr/bin/mlce-export run --format ''
offers ' nested ' mlce-predict run data.h5 --overlap = n
offers '  ' mlce-predict run data.h5 -o s
offers '  ' mlce-train con
offers ' loss.positive_weight= ' mlce-train ner.ini loss.p
offers ' encoder.1.type= ' mlce-train ner.ini encoder.1.ty
offers ' --find-threshold ' mlce-eval --f
offers '* --accept-changes *' mlce-train --
# bash cuts at =
offers ' yes no ' mlce-train ner.ini model.rope =
offers ' global_pointer ' mlce-train ner.ini model.head = g
offers '* bilstm *' mlce-train ner.ini encoder.3.type = ''
# zsh does not
offers ' model.head=global_pointer ' mlce-train ner.ini model.head=g
for program in "$MLCE_BIN"/mlce-*; do
    bash -c '. "$1" && complete -p "$2" >/dev/null' - "$docs/bash-completion/completions/$(basename "$program")" \
        "$(basename "$program")" || fail "no completion is named $(basename "$program")"
    grep -q "^#compdef.* $(basename "$program")" "$docs/zsh/site-functions/_mlce" || fail "zsh: $(basename "$program")"
done
