"""The ASGI application: REST, its document, and the pages, behind one set of headers."""

from fastapi import FastAPI

from madang.api.openapi import bare_app
from madang.control import Control


def create_app(control: Control) -> FastAPI:
    """The application over a control plane; routes reach it as `app.state.control`."""
    app = bare_app()
    app.state.control = control
    return app
