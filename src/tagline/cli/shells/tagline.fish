# Completion of tagline for fish. Once:
#     tagline completion fish > ~/.config/fish/completions/tagline.fish

function __tagline_complete
    set -l typed (commandline -ct)
    # What is typed so far, without its quotes; one that is open is no end of them.
    set -l plain (string unescape -- $typed 2>/dev/null; or string unescape -- "$typed'" 2>/dev/null; or string unescape -- "$typed\"" 2>/dev/null)
    set -l lines (command tagline completion fish -- (commandline -opc) "$plain" 2>/dev/null)
    if test "$lines[1]" = files
        __fish_complete_path "$plain"
    else
        set -e lines[1]
        printf '%s\n' $lines
    end
end

complete -c tagline -f -a '(__tagline_complete)'
