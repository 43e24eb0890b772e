"""The backend as a process, and what stands for Label Studio's server where that need not run."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from tests.client.annotation.label_studio.expected import CONFIG
from tests.http_server import run_http_server

ROOT = Path(__file__).parents[4]


@dataclass
class Backend:
    """A running `python -m client label-studio`."""

    url: str
    log: Path

    def ask(self, path: str, request: Any = None) -> tuple[int, str, Any]:
        """Status, reason and content of what it answers, as Label Studio asks."""
        body = None if request is None else json.dumps(request).encode()
        asked = urllib.request.Request(
            self.url + path, body, {} if body is None else {"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(asked) as answer:
                return answer.status, answer.reason, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, error.reason, json.load(error)

    def predict(self, *addresses: str, config: str = CONFIG) -> tuple[int, str, Any]:
        """For a task with each of these pictures."""
        tasks = [
            {"id": number, "data": {"picture": address}}
            for number, address in enumerate(addresses, start=1)
        ]
        return self.ask("/predict", {"tasks": tasks, "label_config": config})


@contextmanager
def backend(folder: Path, *options: str, api_key: str | None = None) -> Iterator[Backend]:
    """The backend on a free port, with its messages in a file of `folder`."""
    log = folder / "backend.log"
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    environment.pop("LABEL_STUDIO_API_KEY", None)
    if api_key is not None:
        environment["LABEL_STUDIO_API_KEY"] = api_key
    with (
        log.open("wb") as messages,
        subprocess.Popen(
            [sys.executable, "-m", "client", "label-studio", "--port", "0", *options],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=messages,
            text=True,
        ) as process,
    ):
        try:
            assert process.stdout is not None
            told = process.stdout.readline()
            url = re.search(r"http://127\.0\.0\.1:\d+", told)
            assert url is not None, (told, log.read_text())
            yield Backend(url[0], log)
        finally:
            process.terminate()
        assert process.wait(30) == 0, log.read_text()


@dataclass
class Files:
    """An HTTP server with the files of a folder, some ways to nowhere, and what it was asked."""

    url: str
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    """Paths, and the header `Authorization` that came with each."""


@contextmanager
def files(folder: Path) -> Iterator[Files]:
    """`/data/NAME` are the folder's; `/data/elsewhere` sends on to `/data/secret`, `/data/large`
    has no end, and `/api/token/refresh` gives `fresh` for a personal access token."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.asked.append((self.path, self.headers["Authorization"]))
            name = self.path.removeprefix("/data/")
            if name == "elsewhere":
                self.send_response(302)
                self.send_header("Location", served.url + "/data/secret")
                self.end_headers()
            elif name == "large":
                self.send_response(200)
                self.end_headers()
                try:
                    while True:
                        self.wfile.write(bytes(1 << 20))
                except OSError:
                    return
            elif (folder / name).is_file():
                self.send_response(200)
                self.end_headers()
                self.wfile.write((folder / name).read_bytes())
            else:
                self.send_error(404)

        def do_POST(self) -> None:
            content = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            served.asked.append((self.path, None))
            known = content == {"refresh": "a.personal.token"}
            self.send_response(200 if known else 401)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps({"access": "fresh"} if known else {}).encode())

        def log_message(self, format: str, *arguments: Any) -> None:
            pass

    with run_http_server(Handler) as server:
        served = Files(f"http://127.0.0.1:{server.server_port}")
        yield served
