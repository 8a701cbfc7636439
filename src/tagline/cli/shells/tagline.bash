# Completion of tagline for bash. Put this line into ~/.bashrc:
#     source <(tagline completion bash)

_tagline() {
    local kind line count=0
    COMPREPLY=()
    {
        IFS= read -r kind
        while IFS= read -r line; do
            # bash quotes nothing of what it is given: only names come, and nothing else is taken.
            [[ $line == *[!A-Za-z0-9_./:@#=+!-]* ]] || COMPREPLY[count++]=$line
        done
    } < <(command tagline completion bash -- "${COMP_LINE:0:COMP_POINT}" "$COMP_WORDBREAKS" 2>/dev/null)
    # bash 3.2, as macOS has it, has no compopt.
    if [[ $kind == files ]]; then
        type compopt &>/dev/null && compopt -o default
    elif [[ $count == 1 && ${COMPREPLY[0]} == *[#@=] ]]; then
        type compopt &>/dev/null && compopt -o nospace
    fi
}

complete -F _tagline tagline
