"""The REST door and the pages: FastAPI routes that call use-cases and hold no logic of their own."""

from madang.api.app import Application, create_app

__all__ = ["Application", "create_app"]
