"""Somebody outside who gets webhooks, as a process that can be killed: PORT LOG CALM.

Each request is a line in LOG before it is answered: number, key, and what is going to be said. While there is no file
CALM it sometimes says 500, or nothing for longer than anybody waits. Of the standard library alone: it starts at once.
"""

import asyncio
import json
import os
import random
import sys
from collections.abc import Callable
from pathlib import Path

HANGS_S = 15
_chance = random.Random()


async def main(port: int, log: int, calm: Callable[[], bool]) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                length = next(line for line in head.lower().split("\r\n") if line.startswith("content-length:"))
                body = await reader.readexactly(int(length.partition(":")[2]))
                path = head.split(" ", 2)[1]
                said = 200 if calm() else _chance.choices([200, 500, 0], [93, 6, 1])[0]
                fact = json.loads(body)
                line = {"to": path.rpartition("/")[2], "number": fact["number"], "key": fact["key"], "said": said}
                # One write a line: it is there as a whole whenever this process is killed.
                os.write(log, json.dumps(line).encode() + b"\n")
                if not said:
                    await asyncio.sleep(HANGS_S)
                    break
                writer.write(f"HTTP/1.1 {said} Said\r\nContent-Length: 2\r\n\r\nok".encode())
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    opened = os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    asyncio.run(main(int(sys.argv[1]), opened, Path(sys.argv[3]).exists))
