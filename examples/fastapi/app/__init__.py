"""reactbin in Python: the same promises as the Go API, kept with FastAPI and uvicorn."""
