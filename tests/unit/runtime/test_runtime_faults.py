"""What runtimes say becomes what Docker says."""

import pytest

from weft.model.errors import InvalidParameter, SystemFailure
from weft.runtime.faults import create_failed, exec_failed

CREATE = "failed to create task for container: failed to create shim task: OCI runtime create failed: "
EXEC = "OCI runtime exec failed: exec failed: unable to start container process: "


@pytest.mark.parametrize(
    ("program", "said", "reason"),
    [
        ("x", "executable file `x` not found in $PATH: No such\n", 'exec: "x": executable file not found in $PATH'),
        ("/x", "executable file `/x` not found in $PATH: No such\n", 'exec: "/x": stat /x: no such file or directory'),
        ('a"b', "executable file `a\"b` not found in $PATH", 'exec: "a\\"b": executable file not found in $PATH'),
        ("/etc", "open executable: Operation not permitted\n", 'exec: "/etc": permission denied'),
        ("/f", "2026-01-01T00:00:00.000000Z: open executable: Permission denied\n", 'exec: "/f": permission denied'),
    ],
)  # fmt: skip
def test_a_program_that_cannot_be_run(program: str, said: str, reason: str) -> None:
    error = create_failed("crun", said, program)
    assert isinstance(error, InvalidParameter)
    assert error.message == f"{CREATE}crun create failed: unable to start container process: {reason}: unknown"
    assert exec_failed(said, program).message == f"{EXEC}{reason}: unknown"


def test_runcs_own_words_are_kept() -> None:
    said = (
        'time="2026-11-23T18:49:32Z" level=error msg="runc create failed: unable to start container process: '
        'exec: \\"nosuch\\": executable file not found in $PATH"\n'
    )
    words = 'runc create failed: unable to start container process: exec: "nosuch": executable file not found in $PATH'
    error = create_failed("runc", said, "nosuch")
    assert isinstance(error, InvalidParameter)
    assert error.message == f"{CREATE}{words}: unknown"


def test_a_file_mounted_on_a_directory_is_explained() -> None:
    error = create_failed("crun", "mount `/f` to `d`: Not a directory", "sh")
    assert isinstance(error, InvalidParameter)
    assert "are you trying to mount a directory onto a file (or vice-versa)?" in error.message


def test_other_reasons_are_the_systems() -> None:
    error = create_failed("crun", "creating cgroup directory: Cannot allocate memory", "sh")
    assert isinstance(error, SystemFailure)
    assert "Cannot allocate memory" in error.message
    assert "gave no reason" in exec_failed("", "sh").message
