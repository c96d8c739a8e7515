"""`python -m app`: checks the settings, then serves until SIGTERM."""

import argparse
import os
import signal
import sys

import uvicorn

from app import settings
from app.api import create_app
from app.server import Server


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m app")
    parser.add_argument("--host", default="0.0.0.0")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--timeout-graceful-shutdown", type=int, default=30, metavar="SECONDS")
    args = parser.parse_args()
    try:
        app = create_app(settings.load(os.environ))
    except settings.Invalid as invalid:
        sys.exit("\n".join(f"Invalid setting: {problem}" for problem in invalid.problems))

    server = Server(uvicorn.Config(app, host=args.host, port=args.port), args.timeout_graceful_shutdown)
    # Since 0.29 uvicorn raises SIGTERM once more when it has shut down, which would end a
    # process that is not PID 1 with 143. Earlier on, this handler ends the start.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(server.exit_code))
    server.run()
    sys.exit(server.exit_code if server.started else 1)


if __name__ == "__main__":
    main()
