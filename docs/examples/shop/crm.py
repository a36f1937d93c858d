#!/usr/bin/env python3
"""crm.py PORT FILE: takes events by POST and appends each to FILE once. PORT 0: any; it is printed."""
import http.server
import sys

port, path = int(sys.argv[1]), sys.argv[2]
seen = set()  # idempotency keys; an attempt may come again


class Crm(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        event = self.rfile.read(int(self.headers["Content-Length"]))
        key = self.headers["webhook-id"]
        if key not in seen:
            with open(path, "ab") as file:
                file.write(event + b"\n")
            seen.add(key)
        self.send_response(204)
        self.end_headers()

    def log_message(self, format, *args):
        pass


server = http.server.HTTPServer(("127.0.0.1", port), Crm)
print(f"listening on {server.server_port}", flush=True)
server.serve_forever()
