"""Where members sit in a request and a response: rest, target, form."""
