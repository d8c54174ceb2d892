"""What can be wrong with a registration."""

from __future__ import annotations

from gateway.problems import Malformed


class RegistrationRefused(Malformed):
    """The declaration contradicts itself or its source; `findings` lists every point."""

    slug, title = "registration-refused", "The dataset cannot be registered like this"
