"""nginx in front ("edge"): it sends pages and files straight from the public tree, and hands on the rest.

What a client sees means the same with and without it; `tests/web` holds both to one contract. What nginx cannot
do exactly (unusual ``Accept`` headers, ``?format=``, redirects, ranges that lie outside) is the application's.

`configuration` writes what nginx is told, `program` finds and starts it, `asking` is what it asks the
application. What does not live here: the same answers in Python (`web.hot`, `web.files`).
"""
