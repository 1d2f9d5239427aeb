"""`backlit studio`."""

from __future__ import annotations

import ipaddress
import secrets
import sys
import threading
import webbrowser
from pathlib import Path

from backlit.cli.text import print_json
from backlit.errors import ArgumentError, DataError, require
from backlit.runs.run import open_run
from backlit.studio.desk import Desk
from backlit.studio.safety import origin
from backlit.studio.server import listen, serve
from backlit.studio.shelf import Shelf

PORT, TRIES = 8711, 40
SQLITE = b"SQLite format 3\0"


def run(path: str | None, *, port: int | None, host: str, browser: bool, folder: str, json: bool) -> None:
    """Serve the page until Ctrl-C."""
    require("--port", port, lambda v: v is None or 0 <= v < 65536, "from 0 to 65535")
    if not Path(folder).is_dir():
        raise DataError("option.folder", folder=folder)
    shelf = Shelf(folder)
    if path is not None and _is_run(Path(path)):
        open_run(path)
        shelf.opens = shelf.add_run(path)
    elif path is not None:
        shelf.begins = shelf.add_table(path)
    try:
        socket = listen(host, PORT if port is None else port, TRIES if port is None else 1)
    except OSError as error:
        raise ArgumentError("option.port", port=port or PORT, host=host, why=error.strerror) from None
    bound, number = socket.getsockname()[:2]
    token = secrets.token_urlsafe(32)
    address = f"{origin(host, number)}/?token={token}"
    desk = Desk(shelf)
    run = desk.opened(shelf.opens)
    if json:
        print_json({"address": address, "port": number, "run": str(run.path)}, indent=None)
    else:
        print(f"backlit studio is at {address}\nCtrl-C ends it.", flush=True)
    if not ipaddress.ip_address(bound).is_loopback:
        print(
            f"note: --host {host} lets other machines in. Anybody who has the address sees your table and can train "
            "the run; it travels unencrypted. Use it only in a network that you trust.", file=sys.stderr,
        )  # fmt: skip
    if browser:
        threading.Timer(0.3, webbrowser.open, [address]).start()
    serve(desk, socket, host=host, token=token)


def _is_run(path: Path) -> bool:
    """Whether it is meant to be a run file, and not a table."""
    try:
        with path.open("rb") as file:
            return file.read(len(SQLITE)) == SQLITE or path.suffix.lower() == ".backlit"
    except OSError:
        return path.suffix.lower() == ".backlit"
