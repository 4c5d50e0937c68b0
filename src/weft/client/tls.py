"""TLS for tcp:// endpoints; imported only when one is used, since ssl is slow to load."""

import socket
import ssl

from weft.client.endpoint import TlsFiles
from weft.model.errors import InvalidParameter


def wrap(plain: socket.socket, host: str, files: TlsFiles) -> ssl.SSLSocket:
    """Return `plain` after a TLS 1.2+ handshake; raises OSError (ssl.SSLError) where the peer is refused."""
    context = ssl.create_default_context(cafile=files.authority or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if not files.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if files.certificate:
        try:
            context.load_cert_chain(files.certificate, files.key or None)
        except (OSError, ssl.SSLError) as error:
            raise InvalidParameter(f"could not load the TLS client certificate {files.certificate}: {error}") from error
    return context.wrap_socket(plain, server_hostname=host)
