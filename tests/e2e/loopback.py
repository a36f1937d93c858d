"""Runs a program with $JDBC_URL leading to the PostgreSQL of $PGHOST's unix socket, through a port on loopback that
is there as long as the program runs: for clients that know no unix sockets."""
import asyncio
import os
import sys

SOCKET = f"{os.environ['PGHOST']}/.s.PGSQL.{os.environ['PGPORT']}"


async def pump(reader, writer):
    while piece := await reader.read(65536):
        writer.write(piece)
        await writer.drain()
    writer.close()


async def relay(client_reader, client_writer):
    reader, writer = await asyncio.open_unix_connection(SOCKET)
    await asyncio.gather(pump(client_reader, writer), pump(reader, client_writer), return_exceptions=True)


async def main():
    server = await asyncio.start_server(relay, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    url = f"jdbc:postgresql://127.0.0.1:{port}/{os.environ['PGDATABASE']}?user={os.environ['PGUSER']}&sslmode=disable"
    program = await asyncio.create_subprocess_exec(*sys.argv[1:], env={**os.environ, "JDBC_URL": url})
    return await program.wait()


sys.exit(asyncio.run(main()))
