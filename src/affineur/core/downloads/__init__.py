"""Downloads: what counts as one, who it was made by, and what is told about them.

``classes`` says who is a person installing and who is a mirror; ``agents`` what a user agent tells; ``places`` which
file a request was for; ``foreign`` reads the logs of other servers; ``tables`` is what is stored; ``figures`` what is
told. Pure: reading logs, storing and counting are `shell.lake`'s.
"""
