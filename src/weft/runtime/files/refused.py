"""What a worker tells a user that an archive is not."""


class Refused(Exception):
    """The archive is not what it should be; the text says why."""
