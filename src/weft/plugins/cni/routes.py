"""Default routes of plugins, taken away again: which network a container leaves by is Weft's to decide.

The plugins of a container's second network would else take its traffic over, without regard to gateway priorities.
"""

import asyncio
import os
from contextlib import suppress

from weft.model.errors import SystemFailure

_NSENTER = "nsenter"
_PATIENCE = 10.0  # seconds


async def remove_default_route(namespace: str, link: str, version: int) -> None:
    """Remove the default routes of a family by an interface of the sandbox; none is no error. SystemFailure."""
    command = [_NSENTER, f"--net={namespace}", "ip", f"-{version}", "route", "flush", "exact", "default", "dev", link]
    try:
        process = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
    except OSError as error:
        raise SystemFailure(f"cannot start {_NSENTER}: {error.strerror}: install util-linux") from error
    try:
        async with asyncio.timeout(_PATIENCE):
            output, _ = await process.communicate()
    except TimeoutError:
        raise SystemFailure(f"could not remove the default route of {link} within {_PATIENCE:g} s") from None
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(process.pid, 9)
        await asyncio.shield(process.wait())
    if process.returncode != 0:
        raise SystemFailure(
            f"could not remove the default route of {link}: {output.decode(errors='replace').strip()[:500]}"
        )
