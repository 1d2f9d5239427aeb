"""Who may ask: only the page that this server gave, in the browser that was handed the token."""

from __future__ import annotations

import secrets

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from backlit.words import say

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
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def origin(host: str, port: int) -> str:
    """Of a page that is reached at this host and port, as browsers write it."""
    name = f"[{host}]" if ":" in host else host.lower()
    return f"http://{name}" if port == 80 else f"http://{name}:{port}"


class Safety:
    """Lets through what comes from a page of this server's own.

    Parameters
    ----------
    host, port : where the server is reached; on this machine by the names of `LOOPBACK`, too
    token : without it, in a cookie, nothing is answered but the page itself
    """

    def __init__(self, app: ASGIApp, *, host: str, port: int, token: str) -> None:
        self.app, self.token, self.cookie = app, token, f"backlit-{port}"
        self.origins = {origin(name, port) for name in (host, *LOOPBACK)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sealed(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        asked = scope["type"] in ("http", "websocket")
        answer = self._answer(HTTPConnection(scope)) if asked else None
        await (answer or self.app)(scope, receive, sealed)

    def _answer(self, request: HTTPConnection) -> ASGIApp | None:
        """What a request gets instead of what it asks for; None: nothing."""
        path, trouble = request.scope["path"], self._trouble(request)
        if trouble is None and path == "/" and "token" in request.query_params:
            if self._is_token(request.query_params["token"]):
                page = RedirectResponse("/", 303, {"Cache-Control": "no-store"})
                page.set_cookie(self.cookie, self.token, httponly=True, samesite="strict")
                return page
            trouble = say("studio.old_address")
        if trouble is None:
            return None
        if request.scope["type"] == "websocket":
            return WebSocketClose(1008)
        if path.startswith("/api"):
            return JSONResponse({"error": trouble, "kind": "forbidden"}, 403)
        return PlainTextResponse(trouble, 403)

    def _trouble(self, request: HTTPConnection) -> str | None:
        """Why a request is refused; None where it is not."""
        page, reads = request.headers.get("origin"), request.scope.get("method") in ("GET", "HEAD")
        hosts = [f"http://{host.lower()}" for host in request.headers.getlist("host")]
        if len(hosts) != 1 or hosts[0] not in self.origins:
            return say("studio.other_host")
        if page is None and not reads:
            return say("studio.no_origin")
        if page is not None and page.lower() not in self.origins:
            return say("studio.other_page")
        if request.scope["path"].startswith("/api") and not self._is_token(request.cookies.get(self.cookie, "")):
            return say("studio.not_let_in")
        return None

    def _is_token(self, text: str) -> bool:
        return secrets.compare_digest(text.encode(), self.token.encode())
