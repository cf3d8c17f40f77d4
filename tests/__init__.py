"""The tests. This file makes `tests` mean these, also to processes they start: a library installs others so named."""
