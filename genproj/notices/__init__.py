"""What a person should come to know, whichever page they are on.

It owns notices and their being read. Must never know what they are about.
"""
