"""The web: the hot path (`hot`), and behind it the application (`app`) with uploads, APIs and pages."""
