"""The command line: each command opens, calls the library and prints."""
