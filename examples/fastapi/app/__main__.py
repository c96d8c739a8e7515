"""`python -m app`: checks the settings, then serves until SIGTERM."""

import argparse
import os
import signal
import sys

from app import settings


def main() -> None:
    # For PID 1 a signal without a handler does nothing; until uvicorn listens, SIGTERM ends the start.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    parser = argparse.ArgumentParser(prog="python -m app")
    parser.add_argument("--host", default="0.0.0.0")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--timeout-graceful-shutdown", type=int, default=30, metavar="SECONDS")
    args = parser.parse_args()
    try:
        checked = settings.load(os.environ)
    except settings.Invalid as invalid:
        sys.exit("\n".join(f"Invalid setting: {problem}" for problem in invalid.problems))

    # Only now: these imports take most of the time of a start.
    from app.api import create_app
    from app.server import serve

    sys.exit(serve(create_app(checked), args.host, args.port, args.timeout_graceful_shutdown))


if __name__ == "__main__":
    main()
