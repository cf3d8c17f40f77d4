"""Dependents: who requires whom, and what follows from it for those who depend without knowing.

``edges`` makes edges of requirements, ``answers`` are what questions come to; ``chains``, ``cutting`` and ``reach``
compute over arrays, ``noticing`` over versions; ``starts`` reads where a search begins. Pure: rows and arrays are
`shell.dependents`'.
"""
