"""Dependents: who requires whom, and what follows from it for those who depend without knowing.

``edges`` makes edges of requirements. Pure: rows and arrays are `shell.dependents`'.
"""
