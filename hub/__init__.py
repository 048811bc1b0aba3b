"""Decisions: may an event enter, what is a matter after it, who is told, what has time made due.

Pure: values in, values or errors of `contracts.errors` out. What is outside comes through `hub.ports`.
"""
