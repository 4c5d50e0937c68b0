"""weft attach"""

from __future__ import annotations

from weft.cli.command import Command
from weft.cli.context import Context
from weft.cli.errors import CommandFailed
from weft.cli.flags.flag import switch, text
from weft.cli.flags.parser import Options
from weft.cli.render.fields import flag, inner
from weft.client.session import Json


def run(context: Context, options: Options) -> int:
    from weft.cli.terminal.attachment import Attachment, require_terminal

    name = options.arguments[0]
    containers = context.engine.containers
    config = inner(_running(containers.inspect(name)), "Config")
    tty = flag(config, "Tty")
    require_terminal(context, stdin=not options.on("no-stdin"), tty=tty)
    stdin = not options.on("no-stdin") and flag(config, "OpenStdin")
    keys = options.text("detach-keys")
    proxied = options.on("sig-proxy") and not tty
    attachment = Attachment(
        tty=tty,
        stdin=stdin,
        keys=keys,
        forward=(lambda signal: containers.kill(name, signal=signal)) if proxied else None,
        resize=lambda rows, columns: containers.resize(name, rows=rows, columns=columns),
    )
    status = attachment.carry(
        lambda: containers.attach(name, stdin=stdin, stdout=True, stderr=True, detach_keys=keys),
        wait=lambda: containers.wait(name),
        start=lambda: _redraw(context, name, tty),
    )
    if status is None:
        raise CommandFailed("read escape sequence")
    return status


def _running(details: Json) -> Json:
    state = inner(details, "State")
    if not flag(state, "Running"):
        raise CommandFailed("You cannot attach to a stopped container, start it first")
    if flag(state, "Paused"):
        raise CommandFailed("You cannot attach to a paused container, unpause it first")
    if flag(state, "Restarting"):
        raise CommandFailed("You cannot attach to a restarting container, wait until it is running")
    return details


def _redraw(context: Context, name: str, tty: bool) -> None:
    """Check again that it runs; make a terminal one size too large, so that the right size makes the shell redraw."""
    import sys

    from weft.cli.terminal.screen import size

    containers = context.engine.containers
    _running(containers.inspect(name))
    rows, columns = size(sys.stdout.fileno())
    if tty and rows and columns:
        containers.resize(name, rows=rows + 1, columns=columns + 1)


COMMAND = Command(
    "[OPTIONS] CONTAINER",
    run,
    flags=(
        switch("no-stdin", "Do not attach STDIN"),
        switch("sig-proxy", "Proxy all received signals to the process", default=True),
        text("detach-keys", "Override the key sequence for detaching a container"),
    ),
    least=1,
    most=1,
    completes=("containers",),
)
