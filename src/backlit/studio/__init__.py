"""The studio: a page in the browser, and the server behind it. It holds no mathematics."""
