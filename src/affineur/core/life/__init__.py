"""The life of a project: its standing, the acts that change it, what they mean to whoever installs.

What does not live here: who may act (`core.access`), and what moderators decide by (`core.moderation`).
"""
