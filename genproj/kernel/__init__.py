"""The floor: time, ids, transactions, leases, wake-ups, bytes and the outside world.

It has no tables and knows no app. Everything above may use it; it uses nothing above.
"""
