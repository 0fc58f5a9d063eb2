"""A stand-in for the Hugging Face hub: folders served under OWNER/NAME, by the calls that its library makes."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

COMMIT = "c" * 40


@contextmanager
def hub(models: Mapping[str, Path]) -> Iterator[str]:
    """Serve the models while this is active -> the address for HF_ENDPOINT."""

    class Handler(BaseHTTPRequestHandler):
        """GET and HEAD of a model's description, its tree and its files."""

        def do_HEAD(self) -> None:
            """The same without a body."""
            self.do_GET()

        def do_GET(self) -> None:
            """Answer, or say that there is no such repository."""
            parts = unquote(urlsplit(self.path).path).strip("/").split("/")
            is_api = parts[:2] == ["api", "models"]
            name, rest = ("/".join(parts[2:4]), parts[4:]) if is_api else ("/".join(parts[:2]), parts[2:])
            folder = models.get(name)
            if folder is None:
                self.answer(404, b"{}", {"X-Error-Code": "RepoNotFound"})
            elif is_api:
                self.answer(200, json.dumps(_described(name, folder, tree=rest[:1] == ["tree"])).encode())
            else:
                self.send_file(folder / "/".join(rest[2:]))

        def send_file(self, path: Path) -> None:
            """One file, with what tells its version."""
            if not path.is_file():
                self.answer(404, b"", {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": COMMIT})
                return
            data = path.read_bytes()
            self.answer(200, data, {"ETag": f'"{_oid(data)}"', "X-Repo-Commit": COMMIT})

        def answer(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
            """Send it all."""
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def _oid(data: bytes) -> str:
    return hashlib.sha1(data).hexdigest()


def _described(name: str, folder: Path, *, tree: bool) -> object:
    paths = [path for path in sorted(folder.iterdir()) if path.is_file()]
    if tree:
        files = ((path.name, path.read_bytes()) for path in paths)
        return [{"type": "file", "path": path, "size": len(data), "oid": _oid(data)} for path, data in files]
    siblings = [{"rfilename": path.name, "size": path.stat().st_size} for path in paths]
    return {"id": name, "modelId": name, "sha": COMMIT, "private": False, "siblings": siblings, "tags": []}
