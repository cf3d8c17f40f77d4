"""An index elsewhere, seen from the command line: where it is, the token for it, and what is asked of its API.

What does not live here: the commands (the modules beside this package) and which of them go where (`cli.place`).
"""
