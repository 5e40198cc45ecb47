"""Runware: tasks over REST, results by callback, identified by our own task id."""
