"""A conversation in which a wish becomes a film.

It owns videos, their gates, the queue and its workers. What is rendered, stored and kept is the
engine's. Promises that nothing is dispatched or spent before confirmation, that a film is made
once, and that every change of state is told once.
"""
