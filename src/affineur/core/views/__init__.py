"""What clients and readers are told: the simple API, the JSON API, feeds, status files, pages' sentences.

What does not live here: how it is served (`web`), and what it is about (`core.life`).
"""
