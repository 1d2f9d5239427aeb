import http.client
import json
import shutil
import threading
import time
from contextlib import contextmanager
from typing import NamedTuple

import pytest
from websockets.sync.client import connect

from backlit.lesson import FIRST_FILE, first_run
from backlit.studio.commands import Commands
from backlit.studio.desk import Desk
from backlit.studio.messages import Train
from backlit.studio.server import listen, make_app, make_server
from backlit.studio.shelf import FIRST, SOURCE, Shelf

TOKEN = "t" * 43


@pytest.fixture(scope="session")
def lesson(tmp_path_factory):
    path = tmp_path_factory.mktemp("lesson") / FIRST_FILE
    first_run(path, SOURCE)
    return path


@pytest.fixture
def folder(tmp_path, lesson):
    shutil.copy(lesson, tmp_path)
    return tmp_path


class OneRun(Desk):
    """A desk, and one of its runs."""

    def __init__(self, shelf, key=FIRST):
        super().__init__(shelf)
        self.key = key

    @property
    def run(self):
        return self.opened(self.key)

    @property
    def main(self):
        """The name of the first timeline."""
        return self.run.timeline().name

    def line(self, name=None):
        return self.timeline(self.key, name or self.main)

    def at(self, step, timeline=None):
        return self.state(self.key, timeline or self.main, step)


@pytest.fixture
def desk(folder):
    desk = OneRun(Shelf(folder))
    yield desk
    desk.shelf.close()


@pytest.fixture
def news(desk):
    """All that is told."""
    told = []
    desk.subscribe(told.append)
    return told


@pytest.fixture
def commands(desk):
    commands = Commands(desk)
    yield commands
    commands.stop()


class Answer(NamedTuple):
    status: int
    headers: dict
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)


class Client:
    """A page that has been let in; what a request's headers say can be forged."""

    def __init__(self, port):
        self.port, self.home = port, f"http://127.0.0.1:{port}"
        self.headers = {"Origin": self.home, "Cookie": f"backlit-{port}={TOKEN}"}

    def request(self, method, path, body=None, **headers):
        """Header names with _ for -; None leaves one out."""
        sent = self.headers | {name.replace("_", "-"): value for name, value in headers.items()}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            sent = {name: value for name, value in sent.items() if value is not None}
            connection.request(method, path, body, sent)
            answer = connection.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def ask(self, name, body=None, **headers):
        body = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
        return self.request("POST", f"/api/{name}", body, **headers)

    def news(self, **headers):
        """A WebSocket."""
        sent = {"Cookie": self.headers["Cookie"], "Origin": self.home} | headers
        origin = sent.pop("Origin")
        sent = {name: value for name, value in sent.items() if value is not None}
        return connect(f"ws://127.0.0.1:{self.port}/api/news", additional_headers=sent, origin=origin)


@contextmanager
def serving(desk, host="127.0.0.1"):
    """A server in a thread, on this machine; `host`: what it is said to be called."""
    found = listen("127.0.0.1", 0)
    number = found.getsockname()[1]
    server = make_server(make_app(desk, host=host, port=number, token=TOKEN))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [found]})
    thread.start()
    wait_until(lambda: server.started)
    try:
        yield Client(number)
    finally:
        server.should_exit = True
        thread.join(60)
        found.close()
        assert not thread.is_alive()


@pytest.fixture
def client(desk):
    with serving(desk) as client:
        yield client


def wait_until(fact, seconds=30):
    until = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < until, "it has not happened"
        time.sleep(0.005)


def train(commands, steps=None, timeline=None, **how):
    """Begin to train; what the command answers."""
    desk, last = commands.desk, commands.training
    timeline = timeline or desk.main
    own = last and (last.run, last.timeline) == (desk.key, timeline)
    done = max(desk.line(timeline).steps(), last.step if own else 0)  # what was made may not be written yet
    stop = None if steps is None else done + steps
    return commands.train(Train(run=desk.key, timeline=timeline, stop=stop, **how))


def trained(commands, steps=None, timeline=None, **how):
    """Train, and wait for the end; as far as it has come."""
    train(commands, steps, timeline, **how)
    wait_until(lambda: not commands.training.running)
    commands.stop()
    return commands.training
