"""The hot HTTP door: uvicorn's protocol with deadlines, limits and routes answered before ASGI."""
