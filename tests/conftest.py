"""What all tests share."""

import os


def pytest_configure(config):
    """Most tests run on whichever engine there is, and are not about which; test_choice.py is."""
    config.addinivalue_line("filterwarnings", "ignore::backlit.errors.SlowEngineWarning")
    os.environ["PYTHONWARNINGS"] = "ignore:the fast engine"  # the same for commands that tests start
