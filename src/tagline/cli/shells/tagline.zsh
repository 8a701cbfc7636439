#compdef tagline
# Completion of tagline for zsh. Put this line into ~/.zshrc, after compinit:
#     source <(tagline completion zsh)

_tagline() {
    local -a lines whole begun said_whole said_begun
    local line word said
    # (Q) takes quotes away and expands nothing.
    lines=("${(@f)$(command tagline completion zsh -- "${(@Q)words[1,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)}")
    if [[ $lines[1] == files ]]; then
        _files
        return
    fi
    for line in "${(@)lines[2,-1]}"; do
        word=${line%%$'\t'*}
        said=$word
        [[ $line == *$'\t'* ]] && said="${(r:24:)word} -- ${line#*$'\t'}"
        if [[ $word == *[\#@=] ]]; then
            begun+=("$word")
            said_begun+=("$said")
        else
            whole+=("$word")
            said_whole+=("$said")
        fi
    done
    local found=1
    (( $#whole )) && compadd -l -d said_whole -a whole && found=0
    (( $#begun )) && compadd -S '' -l -d said_begun -a begun && found=0
    return found
}

# In a folder of $fpath, as _tagline, this file is the function's body.
if [[ ${funcstack[1]:-} == _tagline ]]; then
    _tagline "$@"
elif (( $+functions[compdef] )); then
    compdef _tagline tagline
fi
