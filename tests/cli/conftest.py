"""Commands, run in this process."""

import sys

import pytest

from backlit.cli.main import main


@pytest.fixture
def backlit(monkeypatch, capsys):
    """Run a command; what it printed, or its error if another exit code is expected."""

    def run(*arguments, code=0):
        monkeypatch.setattr(sys, "argv", ["backlit", *map(str, arguments)])
        with pytest.raises(SystemExit) as caught:
            main()
        captured = capsys.readouterr()
        assert caught.value.code == code, captured.err
        return captured.out if code == 0 else captured.err

    return run
