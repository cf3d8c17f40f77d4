"""What moderators decide by: reports and what they weigh, cases, appeals, and what changed in a release.

What does not live here: what a hold does (`core.life`).
"""
