"""The journal: its entries and their chain, the forms in which others read it, and how a mirror follows one.

What does not live here: storing it, and asking for it (`shell`).
"""
