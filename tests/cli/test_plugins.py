"""Commands on a run whose layers only tests know."""

import json

import pytest
from plugins import plugged, registered
from recorded import WHOLE, recorded


@pytest.fixture(scope="module", autouse=True)
def registry():
    with registered():
        yield


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return recorded(plugged(), tmp_path_factory.mktemp("runs") / "plugged.backlit").path


def test_the_command_line(path, backlit, tmp_path):
    WHOLE.write_csv(tmp_path / "homes.csv")
    assert "embedding 8" in backlit("show", path).replace("→", " ")
    content = json.loads(backlit("explain", path, "--row", 17, "--step", 9, "--json"))
    assert [chain["weight"].partition("[")[0] for chain in content["chains"]] == [
        row["weight"].partition("[")[0] for row in content["blame"] if row["weight"].startswith("w")
    ]
    assert "∂a1[size.1]/∂w1[size, 1]" in backlit("explain", path, "--row", 17, "--step", 9, "--weight", "w1[size, 1]")
    backlit("figure", "network", path, "--out", tmp_path / "net.svg")
    assert "w1[size, 1]" in (tmp_path / "net.svg").read_text(encoding="utf-8")
