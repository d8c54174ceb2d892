"""For clients: ask the gateway, and check what it says without asking it. Needs no part of the server."""
