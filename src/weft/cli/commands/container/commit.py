"""weft commit"""

from __future__ import annotations

from weft.cli.command import Command
from weft.cli.context import Context
from weft.cli.flags.flag import many, switch, text
from weft.cli.flags.parser import Options
from weft.cli.flags.repository import repository_and_tag


def run(context: Context, options: Options) -> int:
    container, *target = options.arguments
    repository, tag = repository_and_tag(target[0] if target else "")
    made = context.engine.images.commit(
        container,
        repository=repository,
        tag=tag,
        comment=options.text("message"),
        author=options.text("author"),
        pause=options.on("pause"),
        changes=options.texts("change"),
    )
    context.print(f"{made}\n")
    return 0


COMMAND = Command(
    "[OPTIONS] CONTAINER [REPOSITORY[:TAG]]",
    run,
    flags=(
        text("author", 'Author (e.g., "John Hannibal Smith <hannibal@a-team.com>")', short="a"),
        many("change", "Apply Dockerfile instruction to the created image", short="c"),
        text("message", "Commit message", short="m"),
        switch("pause", "Pause container during commit", short="p", default=True),
    ),
    least=1,
    most=2,
    completes=("containers", "images"),
)
