"""`python -m app`: checks the settings, then serves until SIGTERM."""

import os
import signal

# First of all, since the kernel drops a signal that PID 1 has no handler for, and the pod would be
# killed at the end of its grace period. Until uvicorn serves there is nothing to clean up.
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))

import argparse
import sys

from app import settings


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m app")
    parser.add_argument("--host", default="0.0.0.0")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--shutdown-delay", type=int, default=3, metavar="SECONDS")
    parser.add_argument("--timeout-graceful-shutdown", type=int, default=30, metavar="SECONDS")
    args = parser.parse_args()
    try:
        checked = settings.load(os.environ)
    except settings.Invalid as invalid:
        sys.exit("\n".join(f"Invalid setting: {problem}" for problem in invalid.problems))

    # Only now: these imports take most of the time of a start.
    from app.api import create_app
    from app.server import serve

    app = create_app(checked)
    sys.exit(serve(app, args.host, args.port, args.shutdown_delay, args.timeout_graceful_shutdown))


if __name__ == "__main__":
    main()
