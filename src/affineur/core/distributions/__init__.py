"""What a file says of itself: names, archives, metadata, and whether form and contents agree.

What does not live here: whether it may be published (`core.life.policy`), and where it is kept.
"""
