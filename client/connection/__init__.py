"""Servers and the way to them: protocols, TLS, several at once, retries."""
