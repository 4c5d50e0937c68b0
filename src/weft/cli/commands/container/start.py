"""weft start"""

from __future__ import annotations

from weft.cli.command import ANY, Command
from weft.cli.context import Context
from weft.cli.errors import CommandFailed
from weft.cli.flags.flag import refused, switch, text
from weft.cli.flags.parser import Options
from weft.cli.render.fields import flag, inner
from weft.cli.render.fields import text as field
from weft.model.errors import WeftError


def run(context: Context, options: Options) -> int:
    if options.on("attach") or options.on("interactive"):
        if len(options.arguments) > 1:
            raise CommandFailed("you cannot start and attach multiple containers at once")
        return _attached(context, options)
    failed = []

    def start(name: str) -> None:
        try:
            context.engine.containers.start(name)
        except WeftError:
            failed.append(name)
            raise

    status = context.each(options.arguments, start)
    if failed:
        context.complain(f"Error: failed to start containers: {', '.join(failed)}")
    return status


def _attached(context: Context, options: Options) -> int:
    from weft.cli.terminal.attachment import Attachment

    containers = context.engine.containers
    details = containers.inspect(options.arguments[0])
    config = inner(details, "Config")
    identifier = field(details, "Id")
    tty = flag(config, "Tty")
    stdin = options.on("interactive") and flag(config, "OpenStdin")
    keys = options.text("detach-keys")
    attachment = Attachment(
        tty=tty,
        stdin=stdin,
        keys=keys,
        forward=None if tty else lambda name: containers.kill(identifier, signal=name),
        resize=lambda rows, columns: containers.resize(identifier, rows=rows, columns=columns),
    )
    removed = flag(inner(details, "HostConfig"), "AutoRemove")
    status = attachment.carry(
        lambda: containers.attach(identifier, stdin=stdin, stdout=True, stderr=True, detach_keys=keys),
        wait=lambda: containers.wait(identifier, condition="removed" if removed else "next-exit"),
        start=lambda: containers.start(identifier),
    )
    return status or 0


COMMAND = Command(
    "[OPTIONS] CONTAINER [CONTAINER...]",
    run,
    flags=(
        switch("attach", "Attach STDOUT/STDERR and forward signals", short="a"),
        switch("interactive", "Attach container's STDIN", short="i"),
        text("detach-keys", "Override the key sequence for detaching a container"),
        refused("checkpoint"),
        refused("checkpoint-dir"),
    ),
    least=1,
    most=ANY,
    completes=("containers",),
)
