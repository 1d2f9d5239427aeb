"""Which version of backlit this is."""

from importlib.metadata import version

__version__ = version("backlit")
