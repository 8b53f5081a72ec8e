# What can stand where the cursor is, into COMPREPLY; empty: a file's name. bash cuts words at =,
# zsh does not.
_mlce_complete() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
    local program=${COMP_WORDS[0]##*/} name='' ahead='' words='' word
    if [ "$program" = mlce-data ] && [ "$COMP_CWORD" -gt 1 ]; then
        program="mlce-data ${COMP_WORDS[1]}"
    fi
    # The option or key whose value the cursor is in.
    if [ "$current" = = ]; then
        name=$previous current=
    elif [ "$previous" = = ]; then
        name=${COMP_WORDS[COMP_CWORD - 2]}
    elif [[ $current == *=* ]]; then
        name=${current%%=*} ahead=${current%%=*}=
        current=${current#*=}
    elif _mlce_takes_value "$program $previous"; then
        name=$previous
    fi
    case $name in
        -*) words=$(_mlce_words "$program $name") ;;
        ?*) words=$(_mlce_words "$name=") ;;
        *)
            if [[ $current == -* || $program == mlce-data ]]; then
                words=$(_mlce_words "$program")
            elif [[ $program == mlce-train || $program == mlce-import ]] && [ "$COMP_CWORD" -gt 1 ]; then
                words=$(_mlce_words keys)
            fi
            ;;
    esac
    COMPREPLY=()
    for word in $words; do
        [[ $word != "$current"* ]] || COMPREPLY+=("$ahead$word")
    done
    # A key is not finished without its value.
    [[ ${COMPREPLY[0]-} != *= ]] || compopt -o nospace 2>/dev/null
    return 0
}
