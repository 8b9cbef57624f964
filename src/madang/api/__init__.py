"""The REST door and the pages: FastAPI routes that call use-cases and hold no logic of their own."""
