"""libnftables through ctypes: transactions as text (libnftables(3))."""

import ctypes
import errno
import os
import re
import threading
from functools import cache

from weft.model.errors import SystemFailure

_LIBRARY = "libnftables.so.1"
_KERNEL_REFUSED = "Could not process rule: "
_OUTPUT_JSON = 1 << 4  # NFT_CTX_OUTPUT_JSON
_LINE = re.compile(r"(?:^|:)\s*Error: (.*)")


class NftError(OSError):
    """A transaction was refused, whole. `errno` is 0 where libnftables itself did, and `detail` quotes its message."""

    def __init__(self, output: str) -> None:
        self.detail = output.strip()
        found = _LINE.search(self.detail.partition("\n")[0])
        reason = found.group(1) if found else self.detail.partition("\n")[0]
        words = reason.removeprefix(_KERNEL_REFUSED).partition("; did you mean")[0]
        super().__init__(_number_of(words), words)
        self._by_kernel = reason.startswith(_KERNEL_REFUSED)

    @property
    def is_missing(self) -> bool:
        """Whether something that the transaction names is not there."""
        return self.errno == errno.ENOENT

    @property
    def is_unresolved(self) -> bool:
        """Whether it is the table or the set itself that is missing: libnftables looks them up before the kernel."""
        return self.is_missing and not self._by_kernel


class Context:
    """A libnftables context, which lists as text or as `json`. It stays in the namespace of the thread that made it.

    One transaction at a time.
    """

    def __init__(self, *, json: bool = False) -> None:
        self._lock = threading.Lock()
        self._library = _library()
        self._handle = self._library.nft_ctx_new(0)
        if not self._handle:
            raise SystemFailure("libnftables could not open a netlink socket: weftd needs root (CAP_NET_ADMIN)")
        if json:
            self._library.nft_ctx_output_set_flags(self._handle, _OUTPUT_JSON)
        self._library.nft_ctx_buffer_output(self._handle)
        self._library.nft_ctx_buffer_error(self._handle)

    def close(self) -> None:
        """Free the context; where something was deleted the kernel may take 30 ms, so call it where nobody waits."""
        with self._lock:
            if self._handle:
                self._library.nft_ctx_free(self._handle)
                self._handle = None

    def run(self, text: str) -> str:
        """Perform commands in one transaction; return what they print. Raises NftError, and then nothing was done."""
        with self._lock:
            result = self._library.nft_run_cmd_from_buffer(self._handle, text.encode())
            if result != 0:
                raise NftError(self._library.nft_ctx_get_error_buffer(self._handle).decode(errors="replace"))
            output: bytes = self._library.nft_ctx_get_output_buffer(self._handle)
            return output.decode()


@cache
def _library() -> ctypes.CDLL:
    try:
        library = ctypes.CDLL(_LIBRARY)
    except OSError as error:
        raise SystemFailure(f"{_LIBRARY} cannot be loaded: {error}: install the package libnftables1") from error
    library.nft_ctx_new.restype = ctypes.c_void_p
    library.nft_ctx_new.argtypes = (ctypes.c_uint32,)
    for name in ("nft_ctx_free", "nft_ctx_buffer_output", "nft_ctx_buffer_error"):
        getattr(library, name).argtypes = (ctypes.c_void_p,)
    for name in ("nft_ctx_get_output_buffer", "nft_ctx_get_error_buffer"):
        getattr(library, name).argtypes = (ctypes.c_void_p,)
        getattr(library, name).restype = ctypes.c_char_p
    library.nft_ctx_output_set_flags.argtypes = (ctypes.c_void_p, ctypes.c_uint)
    library.nft_ctx_output_set_flags.restype = None
    library.nft_run_cmd_from_buffer.argtypes = (ctypes.c_void_p, ctypes.c_char_p)
    return library


def _number_of(words: str) -> int:
    """libnftables tells the kernel's refusals by strerror's text alone; its own have none."""
    return next((number for number in errno.errorcode if os.strerror(number) == words), 0)
