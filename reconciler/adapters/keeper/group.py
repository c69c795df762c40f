"""`python -I -S group.py PLAN`: the main process of an attempt that is more than one process (`launcher.py`)."""

import json
import os
import signal
import sys


def main() -> int:
    """Run the plan; end with the exit code, or by the signal, of the container that decided."""
    # Behind the standard library, so that nothing beside the project can shadow it.
    sys.path.append(os.path.abspath(__file__).rsplit(os.sep, 4)[0])  # noqa: PTH100 - pathlib costs start-up time
    from reconciler.adapters.keeper.launcher import Launcher

    with open(sys.argv[1], encoding="utf-8") as file:  # noqa: PTH123 - see above
        launcher = Launcher(json.load(file))
    code = os.waitstatus_to_exitcode(launcher.run())
    if code >= 0:
        return code
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # the container has left its own
    if -code != signal.SIGKILL:
        signal.signal(-code, signal.SIG_DFL)
    os.kill(os.getpid(), -code)
    return 128 - code


if __name__ == "__main__":
    sys.exit(main())
