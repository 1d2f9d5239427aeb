"""Where the numbers of a moment are taken apart: computed by the reference, never opening a file."""
