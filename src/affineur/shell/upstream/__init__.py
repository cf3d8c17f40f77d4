"""Upstream: reading what somebody else has on offer, wherever they keep it.

Three kinds stand behind one port (`offers.Source`): an index with a simple API (`simple_index`), a folder of
distributions (`folder`), and devpi, exported or live (`devpi`). What arrives is treated as hostile: sizes,
types, addresses and digests are checked before anything is believed.
What does not live here: what may be taken in, and writing any of it down (`actions`).
"""
