"""Why a subscription is not made."""

from __future__ import annotations

from gateway.problems import Problem


class AddressRefused(Problem):
    """Where messages may not be sent: the gateway must not be made to knock on doors inside its own network."""

    slug, status, title = "alert-address-refused", 422, "Alerts cannot be sent there"
