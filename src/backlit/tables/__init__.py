"""Tables to arrays and back."""
