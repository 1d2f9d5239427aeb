"""backlit trains feed-forward neural networks on tables by backpropagation, and shows its working."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
