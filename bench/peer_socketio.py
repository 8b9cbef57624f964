"""python-socketio as a peer: python -m bench.peer_socketio PORT. Needs python-socketio and uvicorn."""

import sys
from typing import Any

import socketio
import uvicorn

server = socketio.AsyncServer(async_mode="asgi", cors_allowed_origins="*")


@server.on("join")
async def join(sid: str, room: str) -> None:
    await server.enter_room(sid, room)


@server.on("message")
async def message(sid: str, room: str, data: Any) -> None:
    await server.emit("message", data, room=room)


if __name__ == "__main__":
    app = socketio.ASGIApp(server)
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), loop="uvloop", log_level="error")
