"""Affineur: a Python package index that looks after the whole life of a project."""

__version__ = "0.1.0"
