"""`python -I -S keeper STATE_DIR ABANDON_AFTER`: keep one state directory; says `ready` or `busy` on stdout."""

import fcntl
import os
import sys

BUSY = 3


def main() -> int:
    """Take the lock, say so, serve."""
    directory, abandon_after = os.path.abspath(sys.argv[1]), float(sys.argv[2])  # noqa: PTH100 - pathlib costs start-up
    # Behind the standard library, so that nothing beside the project can shadow it.
    here = os.path.abspath(__file__)  # noqa: PTH100 - see above
    sys.path.append(here.rsplit(os.sep, 4)[0])

    lock = os.open(f"{directory}/lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.write(1, b"busy\n")
        return BUSY

    from reconciler.adapters.keeper.processes import adopt_orphans
    from reconciler.adapters.keeper.serve import Server

    umask = os.umask(0o077)
    adopt_orphans()
    server = Server(directory, abandon_after)
    os.umask(umask)
    os.write(1, b"ready\n")
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.close(null)
    server.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
