"""The toy server of the virtual machine: it lets in whoever brings the token of that file, and nobody else.

The three ports beside it are the daemon's reference points.
"""

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

with open(sys.argv[1], encoding="ascii") as file:
    WANTED = "Bearer " + file.read().strip()


class Toy(BaseHTTPRequestHandler):
    def do_GET(self):
        let_in = self.path == "/open" or self.headers.get("Authorization") == WANTED
        self.send_response(200 if let_in else 403)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


for port in (8080, 8081, 8082, 8083):
    Thread(target=ThreadingHTTPServer(("127.0.0.1", port), Toy).serve_forever).start()
