"""One SQLite file for a training run."""
