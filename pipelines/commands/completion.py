"""`policy-archive completion`: what makes a shell complete commands, options and sites; click writes it."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from policy_archive.pipelines.commands.options import COMPLETE_VARIABLE

SHELLS = ("bash", "zsh", "fish")


@click.command("completion")
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion_command(ctx: click.Context, shell: str) -> None:
    """Print what makes a shell complete commands, options and sites.

    For bash and zsh a line in ~/.bashrc or ~/.zshrc, for fish a file:

    \b
        eval "$(policy-archive completion bash)"
        policy-archive completion fish > ~/.config/fish/completions/policy-archive.fish

    \b
    Example:
        policy-archive completion bash
    """
    kind = get_completion_class(shell)
    assert kind is not None  # the choices are click's own
    click.echo(kind(ctx.find_root().command, {}, "policy-archive", COMPLETE_VARIABLE).source())
