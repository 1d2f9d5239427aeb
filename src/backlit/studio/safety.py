"""Who may ask: only the page that this server gave, in the browser that was handed the token."""

from __future__ import annotations

import json
import os
import secrets
import socket
import time
from contextlib import suppress
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

DAY = 86_400
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; font-src 'self'; "
        "img-src 'self' data: blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


class Safety:
    """Lets through what comes from a page of this server's own.

    Parameters
    ----------
    hosts : by which the server is reached, each with its port
    token : without it, in a cookie, nothing is answered but the page itself
    """

    def __init__(self, app: ASGIApp, *, hosts: frozenset[str], token: str, port: int) -> None:
        self.app, self.hosts, self.token = app, hosts, token
        self.origins = frozenset(f"http://{host}" for host in hosts)
        self.cookie = f"backlit-{port}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return

        async def sealed(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
            await send(message)

        headers = Headers(scope=scope)
        trouble = self._trouble(scope, headers)
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token")
        if trouble is None and given is not None and scope["type"] == "http" and scope["path"] == "/":
            if self._is_token(given[0]):
                cookie = f"{self.cookie}={self.token}; HttpOnly; SameSite=Strict; Path=/"
                await _answer(sealed, 303, {"Location": "/", "Set-Cookie": cookie, "Cache-Control": "no-store"})
                return
            trouble = "This address is out of date. Open the one that backlit studio printed last."
        if trouble is None:
            await self.app(scope, receive, sealed)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": trouble[:120]})
        elif scope["path"].startswith("/api"):
            body = json.dumps({"error": trouble, "kind": "forbidden"})
            await _answer(sealed, 403, {"Content-Type": "application/json"}, body)
        else:
            await _answer(sealed, 403, {"Content-Type": "text/plain; charset=utf-8"}, trouble)

    def _trouble(self, scope: Scope, headers: Headers) -> str | None:
        """Why a request is refused; None where it is not."""
        origin, asked = headers.get("origin"), scope["path"].startswith("/api")
        if len(headers.getlist("host")) != 1 or headers["host"].lower() not in self.hosts:
            return "This server is not called that. Open the address that backlit studio printed."
        if origin is None:
            if scope["type"] == "websocket" or scope["method"] not in ("GET", "HEAD"):
                return "The request does not say which page it comes from (Origin)."
        elif origin.lower() not in self.origins:
            return "The request comes from another page."
        if asked and headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            return "The request comes from another page."
        if asked and not self._is_token(self._sent(headers)):
            return "This page has not been let in. Open the address that backlit studio printed."
        return None

    def _sent(self, headers: Headers) -> str:
        cookies = SimpleCookie()
        try:
            cookies.load(headers.get("cookie", ""))
        except CookieError:
            return ""
        return cookies[self.cookie].value if self.cookie in cookies else ""

    def _is_token(self, text: str) -> bool:
        return secrets.compare_digest(text.encode(), self.token.encode())


async def _answer(send: Send, status: int, headers: dict[str, str], body: str = "") -> None:
    raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
    raw.append((b"content-length", str(len(body.encode())).encode()))
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body.encode()})


def hosts_of(host: str, port: int) -> frozenset[str]:
    """By what names a server that listens on a host is reached."""
    names = {*LOOPBACK, _bracketed(host)}
    if host in ("0.0.0.0", "::", ""):
        names |= {socket.gethostname().lower(), *(_bracketed(address) for address in _addresses())}
    return frozenset(f"{name.lower()}:{port}" for name in names)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches it."""
    return _bracketed(host) in LOOPBACK or host.startswith("127.")


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _addresses() -> set[str]:
    """This machine's own, as far as they can be found without asking anybody."""
    found: set[str] = set()
    with suppress(OSError):
        found |= {str(entry[4][0]).partition("%")[0] for entry in socket.getaddrinfo(socket.gethostname(), None)}
    for family, far in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((far, 9))  # sends nothing: the system only says which address it would use
            found.add(probe.getsockname()[0])
    return found


def token_for(port: int) -> str:
    """The token of the studio on a port: kept for a day, so that an open page is let in after a restart."""
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    file = Path(state) / "backlit" / f"studio-{port}.key"
    kept = _kept(file)
    if kept is not None:
        return kept
    token = secrets.token_urlsafe(32)
    with suppress(OSError):  # where it cannot be kept, it is this process's alone
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file.unlink(missing_ok=True)
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as out:
            out.write(token)
    return token


def _kept(file: Path) -> str | None:
    """A token that was kept, where it is new enough and nobody else could read or write it."""
    try:
        if file.is_symlink():
            return None
        about = file.stat()
        own = os.name != "posix" or (about.st_uid == os.getuid() and about.st_mode & 0o077 == 0)
        token = file.read_text(encoding="ascii")
    except (OSError, ValueError):
        return None
    fresh = 0 <= time.time() - about.st_mtime < DAY
    return token if own and fresh and len(token) == 43 and token.isprintable() else None
