"""What the performance claims are made with: the same bytes in several servers, measured side by side.

``python -m bench`` compares Affineur with a plain nginx tree and with other index servers in one run;
``python -m bench scale`` asks what a very large index costs. Nothing here is part of the program.
"""
