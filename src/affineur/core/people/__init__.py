"""Who somebody is and how sure we are: accounts, proofs, tokens, roles, machines, the company's sign-in.

What does not live here: what they may do (`core.permissions`, `core.access`), and trusted publishers
(`core.publishers`).
"""
