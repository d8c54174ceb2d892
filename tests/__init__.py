"""What the gateway promises, each promise a test; a package of its own, so that no installed `tests` stands before it."""
