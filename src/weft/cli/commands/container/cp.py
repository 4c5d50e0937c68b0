"""weft cp"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator

from weft.cli.archive import chunks
from weft.cli.command import Command
from weft.cli.context import Context
from weft.cli.copying.plan import (
    End,
    arrange,
    followed,
    local_source,
    local_target,
    split_argument,
    split_entry,
)
from weft.cli.errors import CommandFailed
from weft.cli.flags.flag import switch
from weft.cli.flags.parser import Options
from weft.cli.render import human
from weft.client.errors import EngineError
from weft.client.files import PathStat


def run(context: Context, options: Options) -> int:
    source, target = options.arguments
    for argument, name in ((source, "source"), (target, "destination")):
        if not argument:
            raise CommandFailed(f"{name} can not be empty")
    (from_container, source), (to_container, target) = split_argument(source), split_argument(target)
    if from_container and to_container:
        raise CommandFailed("copying between containers is not supported")
    quiet = options.on("quiet") if options.changed("quiet") else not context.is_terminal(sys.stdout.fileno())
    try:
        if from_container:
            size = _out(context, from_container, source, target, follow=options.on("follow-link"))
        elif to_container:
            size = _into(context, to_container, source, target, options)
            target = f"{to_container}:{target}"
        else:
            raise CommandFailed("must specify at least one container source")
    except OSError as error:
        raise CommandFailed(f"{error.filename}: {(error.strerror or str(error)).lower()}") from error
    if not quiet and target != "-":
        context.complain(f"Successfully copied {human.size(size, 3)} to {target}")
    return 0


def _out(context: Context, container: str, source: str, target: str, *, follow: bool) -> int:
    files = context.engine.files
    rebase = ""
    if follow:
        found = _stat(context, container, source)
        if found is not None and found.is_link:
            source, rebase = followed(source, found.link_target)
    place = local_target(target) if target != "-" else None
    found, content = files.read(container, source)
    count = _Count(content)
    if place is None:
        for data in count:
            context.write(data)
        return count.total
    from weft.cli.copying.archives import Unpacker

    directory, name = arrange(End(source, exists=True, is_directory=found.is_directory, rebase=rebase), place)
    Unpacker(directory).unpack(count, (split_entry(source)[1], name or rebase))
    return count.total


def _into(context: Context, container: str, source: str, target: str, options: Options) -> int:
    files = context.engine.files
    place = _target(context, container, target)
    if source == "-":
        if not place.is_directory:
            raise CommandFailed(f'destination "{container}:{target}" must be a directory')
        directory, content = place.path, chunks(sys.stdin.fileno())
    else:
        from weft.cli.copying.archives import pack

        local = local_source(source, follow=options.on("follow-link"))
        directory, name = arrange(local, place)
        own = local.rebase or split_entry(local.path)[1]
        content = pack(local.path, name or own)
    count = _Count(content)
    files.write(container, directory, count, own=options.on("archive"))
    return count.total


def _target(context: Context, container: str, path: str) -> End:
    """Look at where a copy goes in a container: a link stands for its target, what is missing may come."""
    found = _stat(context, container, path)
    resolved = path
    if found is not None and found.is_link:
        resolved = found.link_target
        found = _stat(context, container, resolved)
    if found is None:
        return End(resolved)
    if found.is_special:
        raise CommandFailed(f'destination "{container}:{path}" must be a directory or a regular file: got a device')
    return End(resolved, exists=True, is_directory=found.is_directory)


def _stat(context: Context, container: str, path: str) -> PathStat | None:
    try:
        return context.engine.files.stat(container, path)
    except EngineError:
        return None  # what is wrong is said by what follows


class _Count:
    """Passes pieces on and counts their bytes."""

    def __init__(self, content: Iterable[bytes]) -> None:
        self._content = content
        self.total = 0

    def __iter__(self) -> Iterator[bytes]:
        for data in self._content:
            self.total += len(data)
            yield data


COMMAND = Command(
    "[OPTIONS] CONTAINER:SRC_PATH DEST_PATH|-\n\tweft cp [OPTIONS] SRC_PATH|- CONTAINER:DEST_PATH",
    run,
    flags=(
        switch("archive", "Archive mode (copy all uid/gid information)", short="a"),
        switch("follow-link", "Always follow symbol link in SRC_PATH", short="L"),
        switch("quiet", "Suppress progress output during copy. Progress output is automatically suppressed if no "
               "terminal is attached", short="q"),
    ),
    least=2,
    most=2,
    completes=("files",),
    long="Copy files/folders between a container and the local filesystem\n\n"
    "Use '-' as the source to read a tar archive from stdin\n"
    "and extract it to a directory destination in a container.\n"
    "Use '-' as the destination to stream a tar archive of a\n"
    "container source to stdout.",
)  # fmt: skip
