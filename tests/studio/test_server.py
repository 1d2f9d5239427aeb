import json
import signal
import subprocess
import sys
from base64 import b64decode
from contextlib import ExitStack, contextmanager
from pathlib import Path
from socket import create_connection

import pytest
from websockets.exceptions import ConnectionClosed

from backlit.lesson import ANOTHER, MANY, ONE
from backlit.studio import server, shelf
from backlit.studio.questions import QUESTIONS

from .conftest import serving, wait_until

FIRST = {"run": "first"}


def hear(socket):
    return json.loads(socket.recv(timeout=30))


def until(socket, fact):
    while not fact(found := hear(socket)):
        pass
    return found


def test_a_question(client):
    answer = client.ask("run", FIRST)
    assert (answer.status, answer.json["key"], answer.json["weights"]) == (200, "first", 16)
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"


def test_every_question_has_its_address(client):
    for name in QUESTIONS:
        assert client.ask(name, b"[]").status == 400  # it is there, and takes an object
    assert client.ask("secrets").status == 404
    assert client.request("GET", "/api/run").status == 405


def test_questions_that_are_asked_together_are_answered_as_alone(client):
    here = FIRST | {"timeline": ONE, "step": 0}
    drawn = here | {"layout": client.ask("layout", here).json["id"]}
    asked = [["moment", drawn], ["weights", drawn], ["maps", drawn | {"points": 5}], ["line", here]]
    answer = client.ask("together", json.dumps(asked).encode())
    assert answer.status == 200
    for (name, query), (status, reply) in zip(asked, answer.json):
        alone = client.ask(name, query)
        assert status == alone.status == 200
        assert (b64decode(reply) if isinstance(reply, str) else reply) == (
            alone.body if isinstance(reply, str) else alone.json
        )
    assert [isinstance(reply, str) for _, reply in answer.json] == [False, True, True, False]


def test_one_refusal_keeps_none_of_the_others(client):
    here = FIRST | {"timeline": ONE, "step": 0}
    asked = [["line", here], ["line", here | {"step": 77}], ["weights", here | {"layout": "?"}], ["secrets", {}],
             ["train", {}], ["line", []]]  # fmt: skip
    answer = client.ask("together", json.dumps(asked).encode())
    assert [status for status, _ in answer.json] == [200, 400, 400, 404, 404, 400]
    assert answer.status == 404  # the worst of them
    assert answer.json[1][1] == client.ask(*asked[1]).json
    assert answer.json[2][1]["kind"] == "gone"
    for body in (b"{", b"{}", b'[["line"]]', b"\xff"):
        assert client.ask("together", body).status == 400


@pytest.mark.parametrize(
    ("body", "named"),
    [(b"{", "not JSON"), (b'{"stop": "many"}', "$.stop"), (b"\xff\xfe", "not JSON"), (b'{"stop": 1e999}', "$.stop"),
     (b"[" * 5000, "object"), (b'{"run": "\xff"}', "not JSON"), (b'{"more":' * 5000, "not JSON")],
)  # fmt: skip
def test_what_cannot_be_read_is_refused(client, body, named):
    answer = client.ask("train", body)
    assert (answer.status, answer.json["kind"]) == (400, "invalid")
    assert named in answer.json["error"]


def test_nonsense_is_named(client, desk):
    here = {"run": "first", "timeline": MANY}
    answer = client.ask("layout", here | {"step": 77})
    assert (answer.status, answer.json["error"]) == (400, "step is 77; it must be a step from 0 to 0")
    assert "'mian'" in client.ask("layout", here | {"timeline": "mian", "step": 0}).json["error"]
    assert client.ask("fork", here | {"step": 0, "settings": {"learning_rate": "-1"}}).status == 400
    assert client.ask("train", here | {"stop": -5}).status == 400
    assert client.ask("train", here | {"speed": 0}).status == 400
    unknown = client.ask("run", {"run": "../../etc/passwd"})
    assert (unknown.status, unknown.json["error"].count("'first'")) == (400, 1)
    assert (desk.run.timeline().steps(), [line.name for line in desk.run.timelines()]) == (0, [MANY, ONE, ANOTHER])


def test_too_large(client, monkeypatch):
    assert client.ask("run", b" " * 1_000_001).status == 413
    monkeypatch.setattr(server, "UPLOAD_LIMIT", 5000)
    assert client.request("POST", "/api/upload?name=a.csv", b"x" * 5001).status == 413
    chunks = iter([b"x" * 3000, b"y" * 3000])
    assert client.request("POST", "/api/upload?name=a.csv", chunks).status == 413
    assert client.ask("run", FIRST).status == 200


def test_a_mistake_of_the_studio(client, monkeypatch, caplog):
    def broken(*_):
        raise RuntimeError("secret detail")

    monkeypatch.setattr(shelf.Shelf, "runs", broken)
    answer = client.ask("shelf")
    assert answer.status == 500
    assert "secret" not in answer.json["error"]
    assert client.ask("run", FIRST).status == 200


def test_upload_and_begin(client, desk, folder):
    rows = "\n".join(f"{i % 7},{i % 5},{3 * (i % 7) - (i % 5)}" for i in range(200))
    table = f"a,b,price\n{rows}\n".encode()
    sent = client.request("POST", "/api/upload?name=..%2F..%2Fwine%20list.csv", table)
    assert (sent.status, sent.json["target"], sent.json["rows"]) == (200, "price", 200)
    assert client.ask("shelf").json["tables"][sent.json["key"]] == "wine list"
    begun = client.ask("begin", {"table": sent.json["key"], "target": "price", "hidden": [4], "seed": 1})
    assert (begun.status, begun.json["run"]) == (200, "wine list.backlit"), begun
    assert desk.opened("wine list.backlit").path == folder / "wine list.backlit"
    again = client.ask("begin", {"table": sent.json["key"], "target": "price", "hidden": [4], "seed": 1})
    assert (again.status, again.json["run"]) == (200, "wine list-2.backlit")
    assert client.ask("shelf").json["runs"].keys() >= {"first", "real", "wine list.backlit", "wine list-2.backlit"}


@pytest.mark.parametrize(
    ("name", "content"), [("a.exe", b"MZ"), ("", b"a\n1\n"), ("a.parquet", b"PAR1"), ("b.csv", b"")]
)
def test_what_is_no_table_is_refused(client, name, content):
    answer = client.request("POST", f"/api/upload?name={name}", content)
    assert answer.status == 400
    assert answer.json["error"]
    assert list(client.ask("shelf").json["tables"]) == ["houses"]


def test_news(client, desk):
    with client.news() as socket:
        assert not any(hear(socket).values())
        assert client.ask("train", {"run": "first", "timeline": MANY, "stop": 120}).status == 200
        ended = until(socket, lambda item: item["epoch"])
        assert (ended["epoch"]["step"], ended["training"]["timeline"]) == (108, MANY)
        last = until(socket, lambda item: item["run"])
        assert (last["training"]["step"], last["training"]["running"]) == (120, False)
        assert last["run"]["timelines"][0]["steps"] == 120


def test_what_a_tab_sends_into_the_news_is_passed_over(client):
    with client.news() as socket:
        hear(socket)
        socket.send(b"\x00\xff")
        socket.send("anything")
        client.ask("train", FIRST | {"timeline": MANY, "stop": 2})
        assert until(socket, lambda item: item["training"] and item["training"]["step"] == 2)


def test_a_tab_that_comes_hears_what_trains(client):
    assert client.ask("train", {"run": "first", "timeline": MANY, "speed": 400}).status == 200
    with client.news() as socket:
        first = hear(socket)["training"]
        assert (first["run"], first["timeline"], first["running"], first["stop"]) == ("first", MANY, True, None)


def test_a_command_fails_with_a_sentence(client, desk):
    """Whoever asks: any tab may stop what another one began."""
    main = {"run": "first", "timeline": MANY}
    assert client.ask("train", main | {"speed": 400}).status == 200
    for command, query in (("train", main | {"stop": 5}), ("fork", main | {"step": 0})):
        refused = client.ask(command, query)
        assert (refused.status, refused.json["kind"]) == (400, "invalid")
        assert "128 houses of houses-3-3-1.backlit is being trained" in refused.json["error"]
    assert client.ask("stop").status == 200
    assert client.ask("fork", main | {"step": 0}).json["timelines"][-1]["name"] == "fork 1"


def test_shutting_down_ends_training_and_writes_it(desk):
    with serving(desk) as client:
        with client.news() as socket:
            client.ask("train", {"run": "first", "timeline": MANY, "speed": 400})  # so that it is far from its end
            until(socket, lambda item: item["training"] and item["training"]["step"] > 200)
        client.ask("run", FIRST)
    assert desk.run.timeline().steps() > 200
    assert not list(desk.run.path.parent.glob("*-lock"))


def test_shutting_down_closes_the_news(desk):
    with ExitStack() as stack:
        with serving(desk) as client:
            socket = stack.enter_context(client.news())
            hear(socket)
        with pytest.raises(ConnectionClosed):
            until(socket, lambda item: False)


def test_an_upload_that_is_given_up(client, desk, capfd):
    with create_connection(("127.0.0.1", client.port)) as half:
        lines = ["POST /api/upload?name=a.csv HTTP/1.1", f"Host: 127.0.0.1:{client.port}", "Content-Length: 1000"]
        lines += [f"{name}: {value}" for name, value in client.headers.items()]
        half.sendall("\r\n".join([*lines, "", "a,b"]).encode())
        wait_until(lambda: desk.shelf._uploads is not None and list(Path(desk.shelf._uploads.name).iterdir()))
    wait_until(lambda: not list(Path(desk.shelf._uploads.name).iterdir()))
    assert client.ask("run", FIRST).status == 200
    assert capfd.readouterr().err == ""


# --- the page --------------------------------------------------------------------------------------------------------


@pytest.fixture
def page(tmp_path, monkeypatch):
    page = tmp_path / "page"
    (page / "assets").mkdir(parents=True)
    (page / "index.html").write_text("<title>backlit</title>")
    (page / "assets" / "main-1a2b.js").write_text("let a = 1;\n" * 500)
    (tmp_path / "secret").write_text("mine")
    monkeypatch.setattr(server, "PAGE", page)


def test_the_page(page, client):
    home = client.request("GET", "/", Cookie=None)
    assert (home.status, home.body, home.headers["cache-control"]) == (200, b"<title>backlit</title>", "no-cache")
    script = client.request("GET", "/assets/main-1a2b.js", Accept_Encoding="gzip")
    assert "immutable" in script.headers["cache-control"]
    assert script.headers["content-encoding"] == "gzip"
    assert client.request("GET", "/nothing").status == 404


@pytest.mark.parametrize(
    "path",
    ["/../secret", "/assets/../../secret", "/%2e%2e/secret", "/assets/%2e%2e/%2e%2e/secret", "/..%2fsecret",
     "/assets/..%5c..%5csecret", "//secret", "/%00", "/assets/%252e%252e/secret"],
)  # fmt: skip
def test_nothing_beside_the_page_is_given(page, client, path):
    answer = client.request("GET", path)
    assert answer.status in (400, 403, 404)
    assert b"mine" not in answer.body


def test_a_page_that_is_not_built_says_how(client, monkeypatch, tmp_path):
    monkeypatch.setattr(server, "PAGE", tmp_path / "none")
    answer = client.request("GET", "/")
    assert answer.status == 503
    assert b"npm run build" in answer.body


# --- the command -----------------------------------------------------------------------------------------------------


@contextmanager
def studio(folder, *args):
    with subprocess.Popen(
        [sys.executable, "-m", "backlit", "studio", "--no-browser", "--folder", str(folder), *args],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            process.kill()


def test_the_command_serves_until_ctrl_c(folder):
    with studio(folder, "--port", "0", "--json") as process:
        told = json.loads(process.stdout.readline())
        assert told["address"].startswith(f"http://127.0.0.1:{told['port']}/?token=")
        with studio(folder, "--port", str(told["port"])) as busy:
            out, err = busy.communicate(timeout=60)
        assert (busy.returncode, out) == (2, "")
        assert len(err.strip().splitlines()) == 1
        assert "--port" in err
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")


@pytest.mark.parametrize(
    ("args", "named"),
    [(["none.csv"], "none.csv"), (["--host", "0.0.0.0"], "'0.0.0.0'"), (["--folder", "none"], "none")],
)
def test_the_command_names_what_is_wrong(folder, args, named):
    with studio(folder, "--port", "0", *args) as process:
        _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert named in err
    assert len(err.splitlines()) <= 2


def test_each_start_has_a_token_of_its_own(folder):
    with studio(folder, "--port", "0", "--json") as one, studio(folder, "--port", "0", "--json") as other:
        tokens = {json.loads(process.stdout.readline())["address"].partition("token=")[2] for process in (one, other)}
    assert [len(token) for token in tokens] == [43, 43]
