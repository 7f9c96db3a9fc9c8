import http.server
import socket
import sys

try:
    socket.create_connection(("localhost", 5432), 2).close()
    neighbour = "somebody"
except OSError as error:
    neighbour = f"nobody: {error.strerror}"
PAGE = open("page.txt").read()
print("notes start", flush=True)


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = "ok" if self.path == "/healthz" else f"{PAGE}\nlocalhost:5432 is {neighbour}\n"
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("0.0.0.0", 8000), Page).serve_forever()
