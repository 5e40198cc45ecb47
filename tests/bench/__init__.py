"""Measures a running installation against ceilings of the same machine and the same minute.

Everything here meets the application as the world does: over HTTP, sockets and a provider of its
own. Only what cannot be seen from outside (catalogue rows, memory) is read beside it.
"""
