"""``completion``: the script by which a shell completes commands.

click makes it for zsh and fish, and answers what a script asks. Bash takes a colon for the end of a word, as if a URL
were three, so for bash the whole line is sent.
"""

from __future__ import annotations

import os
from typing import Final

import click
from click.shell_completion import (
    CompletionItem,
    ShellComplete,
    add_completion_class,
    get_completion_class,
    split_arg_string,
)

from ..command import ASKS, root

_BASH: Final = """\
%(complete_func)s() {
    local IFS=$'\\n' answer
    COMPREPLY=()
    for answer in $(COMP_LINE="$COMP_LINE" COMP_POINT="$COMP_POINT" %(complete_var)s=bash_complete "$1"); do
        case "$answer" in
            file,*) compopt -o default ;;
            dir,*) compopt -o dirnames ;;
            *) COMPREPLY+=("${answer#*,}") ;;
        esac
    done
}
complete -o nosort -F %(complete_func)s %(prog_name)s
"""


class Bash(ShellComplete):
    """Completion in bash 4.4 and later."""

    name = "bash"
    source_template = _BASH

    def get_completion_args(self) -> tuple[list[str], str]:
        """The words before the one that is completed, and what there is of that, of the line up to the cursor."""
        line = os.fsencode(os.environ["COMP_LINE"])[: int(os.environ["COMP_POINT"])]  # it counts bytes
        words = split_arg_string(os.fsdecode(line))
        incomplete = words.pop() if words and not line[-1:].isspace() else ""
        return words[1:], incomplete

    def format_completion(self, item: CompletionItem) -> str:
        """One line of the answer."""
        return f"{item.type},{item.value}"


add_completion_class(Bash)


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print what completes commands, options, endpoints of apps on this machine, and Python files in your shell.

    \b
        eval "$(gradio-proto completion bash)"                  # in ~/.bashrc
        eval "$(gradio-proto completion zsh)"                   # in ~/.zshrc
        gradio-proto completion fish > ~/.config/fish/completions/gradio-proto.fish
    """
    made = get_completion_class(shell)
    assert made is not None  # these three are there
    click.echo(made(root, {}, "gradio-proto", ASKS).source().rstrip())
