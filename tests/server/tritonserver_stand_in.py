"""A tritonserver that loads nothing: it says of itself what a version of Triton would say.

It is written as ``tritonserver`` into a folder that is put on PATH; the first lines of that file
set VERSION, KNOWS (options of its own beside those of 2.51) and ARGUMENTS (a file that gets those
it was started with, one a line).
"""

import http.server
import json
import sys
from pathlib import Path

VERSION, KNOWS, ARGUMENTS = "", "", ""  # START

if sys.argv[1:] == ["--help"]:
    print("Usage: tritonserver [options]\n  --help\n\tPrint usage\n  --model-repository <string>")
    print(f"  {KNOWS} <boolean>\n\tA newer option than --model-repository." if KNOWS else "")
    sys.exit(1)

Path(ARGUMENTS).write_text("\n".join(sys.argv[1:]))
[PORT] = (word.partition("=")[2] for word in sys.argv if word.startswith("--http-port="))
MODELS = [{"name": "echo", "state": "READY"}]


class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.answer({"name": "triton", "version": VERSION})

    def do_POST(self) -> None:
        self.answer(MODELS)

    def answer(self, content: object) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(content).encode())


server = http.server.HTTPServer(("127.0.0.1", int(PORT)), Answers)
for _ in range(2):  # which models there are, and which version it is; then it ends
    server.handle_request()
