#!/usr/bin/python3
"""An SMTP server that wants STARTTLS and a password: smtp_server.py PORT CERTIFICATE KEY DIRECTORY.

Each mail that it takes becomes a file in DIRECTORY: the envelope as JSON on the first line, then the mail."""
import asyncio
import json
import pathlib
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult

PORT, CERTIFICATE, KEY, DIRECTORY = int(sys.argv[1]), sys.argv[2], sys.argv[3], pathlib.Path(sys.argv[4])


class Keep:
    def __init__(self):
        self.count = 0

    async def handle_DATA(self, server, session, envelope):
        self.count += 1
        head = json.dumps({"from": envelope.mail_from, "to": envelope.rcpt_tos, "tls": session.ssl is not None})
        part = DIRECTORY / f".{self.count}"
        part.write_bytes(head.encode() + b"\n" + envelope.content)
        part.rename(DIRECTORY / f"{self.count}.mail")
        return "250 kept"


def authenticate(server, session, envelope, mechanism, data):
    return AuthResult(success=(data.login, data.password) == (b"evd", b"let me send"))


def serve():
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(CERTIFICATE, KEY)
    keep = Keep()

    def make():
        return SMTP(keep, hostname="localhost", tls_context=context, require_starttls=True, auth_required=True,
                    authenticator=authenticate)

    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    loop.run_until_complete(loop.create_server(make, "127.0.0.1", PORT))
    print("ready", flush=True)
    loop.run_forever()


serve()
