"""Stand-ins for the providers, with real protocols, painted pictures and faults on order.

It shares no code with the product, so that it cannot agree with the product's mistakes.
Run it with `python -m genproj.sandbox`.
"""
