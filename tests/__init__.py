"""What the gateway promises, each promise a test. A package, so that no installed `tests` stands before it."""
