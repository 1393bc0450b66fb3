"""uvicorn on the socket that it inherits.

`uvicorn --fd 3` would do, but for one thing: when uvicorn is to stop, it closes connections that
were made and whose request has not come yet. Here they get some time for it.
"""

import asyncio
import socket

import uvicorn

SECONDS = 0.3


class PatientServer(uvicorn.Server):
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()  # new connections are for the other instances
        await asyncio.sleep(SECONDS)
        await super().shutdown(sockets)


PatientServer(uvicorn.Config("asgi:app", fd=3, access_log=False)).run()
