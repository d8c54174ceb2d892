"""Organisations in the data space: who was admitted, with which facts and which contract key, and who is suspended.

Facts that policies use come from here, never from a request.
"""
