"""The app with uvicorn's log lines in a file. What it says before it logs still goes to stderr."""

from uvicorn.config import LOGGING_CONFIG

for handler in LOGGING_CONFIG["handlers"].values():
    handler["class"] = "logging.FileHandler"
    handler["filename"] = "/log/app.log"
    del handler["stream"]

from app.__main__ import main

main()
