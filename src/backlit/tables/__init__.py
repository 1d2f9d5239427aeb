"""Tables to arrays and back."""

from backlit.tables import datasets as datasets
