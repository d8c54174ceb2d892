"""Corridor: a trusted gateway for a healthcare data space.

Rooms (crypto, terms, audit, participants, identity, catalog, contracts, obligations, policy, access) think and know
nothing of the web; faces (api, cli, sdk) translate and stay thin; `app` puts them together. Imports go down only.
"""

__version__ = "0.1.0"
