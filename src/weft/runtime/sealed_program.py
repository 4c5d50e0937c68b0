"""A program copied to sealed memory (memfd_create(2)).

crun runs from a copy of itself that a container cannot write to, and makes one each time unless its binary is
sealed already (its answer to CVE-2019-5736). Making it once spares every create and exec the copy and a second exec.
"""

import fcntl
import os
from pathlib import Path
from typing import Final

# fcntl(2); Python names them from 3.12 on
_F_ADD_SEALS: Final = 1033
_ALL_SEALS: Final = 0x1 | 0x2 | 0x4 | 0x8  # SEAL, SHRINK, GROW, WRITE


class SealedProgram:
    """The copy, for as long as this process lives or until it is closed."""

    def __init__(self, original: Path) -> None:
        """OSError when the program cannot be read or the kernel refuses."""
        self._descriptor = os.memfd_create(original.name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            with original.open("rb") as source, open(self._descriptor, "wb", closefd=False) as copy:
                copy.write(source.read())
            os.fchmod(self._descriptor, 0o500)
            fcntl.fcntl(self._descriptor, _F_ADD_SEALS, _ALL_SEALS)
        except BaseException:
            os.close(self._descriptor)
            raise
        self.path: Final = f"/proc/{os.getpid()}/fd/{self._descriptor}"

    def close(self) -> None:
        """Drop the copy; what runs from it keeps it."""
        os.close(self._descriptor)
