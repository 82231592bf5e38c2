"""Generators of committed files. Nothing here is deployed."""
