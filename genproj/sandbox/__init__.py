"""Stand-ins for the providers, for a machine without keys: real protocols, painted pictures, faults on order.

It shares no code with the product, so that it cannot agree with the product's mistakes.
Run it with `python -m genproj.sandbox`.
"""
