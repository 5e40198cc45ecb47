"""Breaks a working installation on purpose and audits from outside what is left.

`faults.py` is the table of what goes wrong, `load.py` what people do meanwhile, `followers.py` the
clients that keep a copy, `audit.py` the questions asked afterwards, with readings of its own.
"""
