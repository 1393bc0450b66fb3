"""An ASGI app, for uvicorn: answers its process id."""

import os
from typing import Any


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return
    head = {"status": 200, "headers": [(b"content-type", b"text/plain")]}
    await send({"type": "http.response.start", **head})
    await send({"type": "http.response.body", "body": f"{os.getpid()}\n".encode()})
