"""Start a program that dies with us: ``python leash.py PARENT -- COMMAND ...``.

Run by file path, never imported: it loads nothing of Bridgehead, so it costs about 10 ms. On Linux
the kernel is told to kill the program when its parent dies (``prctl(2)``, PR_SET_PDEATHSIG), which
survives ``execve(2)``. Without it a killed Bridgehead would leave a server behind that may still
apply an effect nobody is waiting for. Elsewhere the program only sees its input end.
"""

import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def die_with_parent(parent: int) -> None:
    """Ask for SIGKILL when the parent dies; leave at once if it already has."""
    if sys.platform != "linux":
        return
    import ctypes

    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        sys.exit(f"bridgehead: prctl failed: {os.strerror(ctypes.get_errno())}")
    # The parent may have died before the line above: then nobody will ever send the signal.
    if os.getppid() != parent:
        sys.exit(1)


def main(arguments: list[str]) -> None:
    """Become the command after ``--``."""
    parent, dashes, *command = arguments
    if dashes != "--" or not command:
        sys.exit("usage: leash.py PARENT -- COMMAND ...")
    die_with_parent(int(parent))
    try:
        os.execvp(command[0], command)  # noqa: S606 (no shell, on purpose)
    except OSError as error:
        print(f"bridgehead: {command[0]}: {error.strerror}", file=sys.stderr)
        sys.exit(127)


if __name__ == "__main__":
    main(sys.argv[1:])
