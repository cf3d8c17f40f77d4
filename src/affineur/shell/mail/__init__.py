"""Mail: which letters there are (`letters`), what they say (`templates/`, `rendering`), how they go out (`sending`).

What does not live here: which mails wait (`shell.store.outbox`) and when they are sent (`projections.post`).
Importing this package loads neither jinja2 nor smtplib: acts only name a letter and give its values.
"""
