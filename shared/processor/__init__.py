"""The processor: facts in, state and events out, each exactly once in effect.

Read ``loop`` for the whole story; every other module is one of its parts.
"""
