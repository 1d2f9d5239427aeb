"""Draws the pictures of the tutorials: python docs/figures/make.py [FOLDER] [.svg | .png]."""

import sys
from pathlib import Path

import backlit as bl
from backlit import figures
from backlit.cli.demo import first_network, house_rows
from backlit.explain import what_if


def main(folder: str = str(Path(__file__).parent), suffix: str = ".svg") -> None:
    """Each picture under its name in the folder."""
    net, theta, table, settings = first_network()
    t = bl.trace(net, theta, *house_rows(table, 0), settings, rows=[0], table=table)
    pictures = {
        "house-0-network": figures.network(t),
        "house-0-along-weight": figures.along_weight(what_if.along_weight(t, "w2[2, 1]")),
        "house-0-along-step": figures.along_step(what_if.along_step(t)),
    }
    for name, picture in pictures.items():
        figures.save(picture, Path(folder) / f"{name}{suffix}")


if __name__ == "__main__":
    main(*sys.argv[1:])
