"""The studio's server: the page, the questions, the commands, and the news."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import socket
import sys
import warnings
from base64 import b64encode
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, get_type_hints

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from backlit.errors import ArgumentError, BacklitError, RunWarning, SlowEngineWarning
from backlit.studio.commands import COMMANDS, Commands
from backlit.studio.desk import Desk
from backlit.studio.layouts import GoneError
from backlit.studio.messages import News, Refusal, TableQuery
from backlit.studio.questions import QUESTIONS
from backlit.studio.safety import Safety
from backlit.studio.setup import table
from backlit.studio.shelf import UPLOAD_LIMIT
from backlit.words import say, to_json

BYTES = "application/octet-stream"
BODY_LIMIT = 1_000_000  #: bytes of a question
NOT_BUILT = """The studio's page is not built yet. In backlit's source folder, run

    make .venv/.installed-dev

or, with Node.js, in its folder web:  npm ci && npm run build
"""
PAGE = Path(__file__).parent / "page"
log = logging.getLogger(__name__)


class TooLargeError(BacklitError):
    """A request's body is larger than it may be."""


class Page(StaticFiles):
    """The built page. What has a hash in its name never changes; the rest is asked for each time."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if (PAGE / "index.html").is_file():
            await super().__call__(scope, receive, send)
        else:
            await PlainTextResponse(NOT_BUILT, 503)(scope, receive, send)

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response("index.html" if path == "." else path, scope)
        hashed = path.startswith("assets/")
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if hashed else "no-cache"
        return response


def make_app(desk: Desk, *, host: str, port: int, token: str) -> Starlette:
    """The application, for one desk."""
    commands = Commands(desk)
    functions = QUESTIONS | COMMANDS
    kinds = {name: get_type_hints(function)["query"] for name, function in functions.items()}

    async def ask(request: Request) -> Response:
        """A question, or a command."""
        name = request.path_params["name"]
        if name not in functions:
            return _refused(404, say("studio.no_question", name=name[:40]))
        body = b"".join([part async for part in _parts(request, BODY_LIMIT)])
        of = commands if name in COMMANDS else desk
        answer = lambda: _reply(functions[name](of, _query(body, kinds[name])))
        return await run_in_threadpool(answer)

    async def together(request: Request) -> Response:
        """Several questions that are asked at one time: of each its status, and its reply or refusal."""
        body = b"".join([part async for part in _parts(request, BODY_LIMIT)])
        asked = _query(body, list[tuple[str, msgspec.Raw]])
        parts = [await _one(request, name, query) for name, query in asked]
        status = max((part.status_code for part in parts), default=200)
        return Response(b"[" + b",".join(map(_enclosed, parts)) + b"]", status, media_type="application/json")

    async def _one(request: Request, name: str, query: msgspec.Raw) -> Response:
        if name not in QUESTIONS:
            return _refused(404, say("studio.no_question", name=name[:40]))
        try:
            return await run_in_threadpool(lambda: _reply(QUESTIONS[name](desk, _query(bytes(query), kinds[name]))))
        except Exception as error:
            kind = next(kind for kind in type(error).__mro__ if kind in refusals)
            if kind is Exception:
                log.exception(name)
            return await refusals[kind](request, error)

    async def upload(request: Request) -> Response:
        """A table, to begin a run on; the reply is what the question `table` says of it."""
        name = request.query_params.get("name", "")
        place = desk.shelf.upload(name)

        def read() -> Response:
            with desk.lock:
                return _reply(table(desk, TableQuery(key=desk.shelf.add_upload(name, place))))

        try:
            with place.open("wb") as file:
                async for part in _parts(request, UPLOAD_LIMIT):
                    await run_in_threadpool(file.write, part)
            return await run_in_threadpool(read)
        except BaseException:
            place.unlink(missing_ok=True)
            raise

    async def news(socket: WebSocket) -> None:
        """All that happens, until the tab is closed."""
        await socket.accept()
        waiting = Waiting(asyncio.get_running_loop())
        end = desk.subscribe(waiting.hear)
        waiting.hear(News(training=commands.training, standings=commands.standings))
        try:
            sending = asyncio.create_task(waiting.send(socket))
            try:
                while (await socket.receive())["type"] != "websocket.disconnect":
                    pass  # nothing is asked this way; it tells when the tab has gone
            finally:
                sending.cancel()
        except (WebSocketDisconnect, RuntimeError):
            pass
        finally:
            end()

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        await run_in_threadpool(commands.stop)
        desk.shelf.close()

    refusals: dict[type[Exception], Callable[[Request, Exception], Awaitable[Response]]] = {
        BacklitError: _refusal(400),
        msgspec.MsgspecError: _refusal(400),
        GoneError: _refusal(400, "gone"),
        TooLargeError: _refusal(413),
        ClientDisconnect: _refusal(400, why=say("studio.broke_off")),
        Exception: _refusal(500, why=say("studio.mistake")),  # which then goes on, to the log
    }
    asking = [
        WebSocketRoute("/news", news),
        Route("/upload", upload, methods=["POST"]),
        Route("/together", together, methods=["POST"]),
        Route("/{name}", ask, methods=["POST"]),
    ]
    return Starlette(
        routes=[
            Mount("/api", routes=asking),
            Mount("/", GZipMiddleware(Page(directory=PAGE, check_dir=False), minimum_size=1000, compresslevel=6)),
        ],
        middleware=[Middleware(Safety, host=host, port=port, token=token)],
        exception_handlers=refusals,
        lifespan=lifespan,
    )


class Waiting:
    """News for one tab; of a training's steps only the last is kept, if the tab is slower than training."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop, self._news, self._some = loop, deque[News](), asyncio.Event()

    def hear(self, news: News) -> None:
        """From any thread."""
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._put, news)

    def _put(self, news: News) -> None:
        if self._news and _only_steps(news) and _only_steps(self._news[-1]):
            self._news.pop()
        self._news.append(news)
        self._some.set()

    async def send(self, socket: WebSocket) -> None:
        """To the tab, as long as it is there."""
        while True:
            await self._some.wait()
            self._some.clear()
            while self._news:
                await socket.send_text(to_json(self._news.popleft()))


def _query(body: bytes, kind: Any) -> Any:
    """What is asked with; raises `MsgspecError` where it cannot be read, be it for its letters or its depth, too."""
    try:
        return msgspec.json.decode(body or b"{}", type=kind)
    except msgspec.ValidationError:
        raise
    except (UnicodeDecodeError, RecursionError, msgspec.DecodeError) as error:
        raise msgspec.DecodeError(say("studio.no_json", why=error)) from None


def _only_steps(news: News) -> bool:
    only = News(training=news.training, standings=news.standings)
    return news == only and news.training is not None and news.training.running


def _reply(reply: Any) -> Response:
    if isinstance(reply, bytes | bytearray | memoryview):
        return Response(bytes(reply), media_type=BYTES, headers={"Cache-Control": "no-store"})
    return Response(to_json(reply), media_type="application/json", headers={"Cache-Control": "no-store"})


def _enclosed(part: Response) -> bytes:
    """[status, what it says]; bytes as base64."""
    body = bytes(part.body)
    return b"[%d,%b]" % (part.status_code, b'"%b"' % b64encode(body) if part.media_type == BYTES else body)


def _refused(status: int, why: str, kind: Any = "invalid") -> Response:
    return Response(to_json(Refusal(why, kind)), status, media_type="application/json")


def _refusal(status: int, kind: str = "invalid", why: str = "") -> Callable[[Request, Exception], Awaitable[Response]]:
    """What answers an error: what the asker did wrong is told."""

    async def answer(request: Request, error: Exception) -> Response:
        return _refused(status, why or str(error), kind)

    return answer


async def _parts(request: Request, limit: int) -> AsyncIterator[bytes]:
    """A request's body as it comes in."""
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise TooLargeError("studio.too_large", megabytes=limit / 1e6)
        yield part


# --- running it ------------------------------------------------------------------------------------------------------


def listen(host: str, port: int, tries: int = 1) -> socket.socket:
    """A socket on the first port that is free, of so many.

    Raises
    ------
    ArgumentError
        The host stands for every address of the machine.
    OSError
        No port is free, or the machine has no such address.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for place in range(port, port + tries):
        # with its protocol named: only then does asyncio send without delay, and a moment waits 40 ms for nothing
        door = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        if sys.platform != "win32":
            door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            door.bind((host, place))
            if ipaddress.ip_address(door.getsockname()[0]).is_unspecified:
                door.close()
                raise ArgumentError("studio.every_address", host=host)
            door.listen(128)
            return door
        except OSError:
            door.close()
            if place == port + tries - 1:
                raise
    raise OSError("no port was tried")


def make_server(app: Starlette) -> uvicorn.Server:
    """What serves the application."""
    return uvicorn.Server(
        uvicorn.Config(
            app, ws="websockets-sansio", ws_max_size=BODY_LIMIT, log_level="warning", access_log=False,
            proxy_headers=False, server_header=False, timeout_graceful_shutdown=2, lifespan="on",
        )
    )  # fmt: skip


def hear_warnings(desk: Desk) -> None:
    """Tell everybody what the library warns of."""
    before = warnings.showwarning

    def show(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
        if issubclass(category, RunWarning | SlowEngineWarning):
            desk.publish(News(notice=str(message)))
        else:
            before(message, category, *where, **more)

    warnings.showwarning = show


def serve(desk: Desk, door: socket.socket, *, host: str, token: str) -> None:
    """Until Ctrl-C."""
    hear_warnings(desk)
    server = make_server(make_app(desk, host=host, port=door.getsockname()[1], token=token))
    with contextlib.suppress(KeyboardInterrupt):
        server.run(sockets=[door])
