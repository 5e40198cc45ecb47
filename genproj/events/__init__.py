"""The log of what happened, in streams, and its way to the browser.

It owns streams and events, promises that a reader with a cursor misses nothing, and must never
know what a frame is about.
"""
