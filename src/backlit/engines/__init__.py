"""How steps are run: the protocol of an engine, the engines, and the choice among them."""
