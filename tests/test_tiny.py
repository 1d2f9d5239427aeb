"""The whole product in a second: a table, training, the run file, predictions, and the lesson of one house."""

import io
import json
import sys

import numpy as np
import polars as pl
import pytest

import backlit as bl
from backlit.cli.main import main


@pytest.fixture
def backlit(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)

    def run(*arguments, stdin=""):
        monkeypatch.setattr(sys, "argv", ["backlit", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        with pytest.raises(SystemExit) as caught:
            main()
        captured = capsys.readouterr()
        assert caught.value.code == 0, captured.err
        return captured.out

    return run


def test_from_a_table_to_predictions(backlit, tmp_path):
    houses = bl.datasets.load_houses().head(300)
    houses.write_csv(tmp_path / "houses.csv")
    told = backlit("train", "houses.csv", "--target", "price", "--epochs", 2, "--seed", 0, "--unit", "$")
    assert "id is left out" in told
    assert "linear model" in told
    assert "kept in houses.backlit" in told
    assert "predicts" in backlit("show", "houses.backlit")
    backlit("predict", "houses.backlit", "houses.csv", "--out", "prices.parquet")
    predicted = pl.read_parquet(tmp_path / "prices.parquet")
    model = bl.open_run(tmp_path / "houses.backlit").model()
    np.testing.assert_allclose(predicted["predicted price"].to_numpy(), model.predict(houses), rtol=1e-12)
    piped = backlit("predict", "houses.backlit", "-", "--json", stdin=houses.head(2).write_csv())
    assert [row["predicted price"] for row in json.loads(piped)] == model.predict(houses.head(2)).tolist()


def test_from_a_network_to_its_gradient():
    net = bl.Network.dense(["size", "rooms"], [3], activation="tanh")
    data = bl.Data([[1.0, 2.0], [3.0, 4.0]], [1.0, 0.0])
    *_, stopped = bl.train(bl.Plan(net, data, bl.Settings(batch_size=2, epochs=3)))
    E, gradient = bl.value_and_grad(net, stopped.theta, data.X, data.Y)
    assert np.isfinite(E)
    assert gradient.shape == (net.size,)
