"""The mathematics: layers, losses, backpropagation, optimizers. It knows no tables, files or screens."""
