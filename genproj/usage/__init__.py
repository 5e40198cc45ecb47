"""What was held, spent and given back, line by line.

It owns the ledger. Promises that its lines are never changed, that money has one open hold per
subject, and that decimals stay decimals. Must never know what a subject is.
"""
