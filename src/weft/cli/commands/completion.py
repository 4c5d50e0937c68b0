"""weft completion"""

from __future__ import annotations

from weft.cli.command import Command
from weft.cli.context import Context
from weft.cli.errors import CommandFailed
from weft.cli.flags.parser import Options

_BASH = r"""# bash completion for weft: source this file, or put it into /etc/bash_completion.d/weft
_weft() {
    local words=("${COMP_WORDS[@]:1:COMP_CWORD}") line
    COMPREPLY=()
    while IFS= read -r line; do
        if [[ $line == ":files" ]]; then
            compopt -o filenames 2>/dev/null
            mapfile -t COMPREPLY < <(compgen -f -- "${COMP_WORDS[COMP_CWORD]}")
            return
        fi
        COMPREPLY+=("$line")
    done < <(weft __complete "${words[@]}" 2>/dev/null)
    if declare -F __ltrim_colon_completions >/dev/null; then
        __ltrim_colon_completions "${COMP_WORDS[COMP_CWORD]}"
    fi
}
complete -F _weft weft
"""
_ZSH = r"""#compdef weft
# zsh completion for weft: put this file into a directory of $fpath, as _weft
_weft() {
    local -a lines
    lines=("${(@f)$(weft __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    if [[ "${lines[1]}" == ":files" ]]; then
        _files
    else
        compadd -- "${(@)lines:#}"
    fi
}
if [[ "$funcstack[1]" == "_weft" ]]; then
    _weft "$@"
else
    compdef _weft weft
fi
"""
_FISH = r"""# fish completion for weft: put this file into ~/.config/fish/completions/weft.fish
function __weft_complete
    set -l words (commandline -opc)[2..-1] (commandline -ct)
    set -l lines (weft __complete $words 2>/dev/null)
    if test "$lines[1]" = ":files"
        __fish_complete_path (commandline -ct)
    else
        printf '%s\n' $lines
    end
end
complete -c weft -f -a '(__weft_complete)'
"""
_SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}


def run(context: Context, options: Options) -> int:
    shell = options.arguments[0]
    if shell not in _SCRIPTS:
        raise CommandFailed(f"weft completion: unknown shell {shell}: there are {', '.join(_SCRIPTS)}")
    context.print(_SCRIPTS[shell])
    return 0


COMMAND = Command("bash|zsh|fish", run, least=1, most=1)
