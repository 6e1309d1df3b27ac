"""A search for secrets: by value, in their usual encodings, and by the form of well-known kinds of keys.

What is found is told by place, kind and a fingerprint that means nothing outside of the run; never by its value.
"""
