"""Impact: how much it would hurt if a project went wrong or went away, by what evidence, and what that changes.

Pure: measuring and recording are the shell's, giving classes is `actions.classify`.
"""
