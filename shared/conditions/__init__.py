"""The one condition language: ``field, operator, value`` and ``all`` / ``any`` / ``not`` around them.

Conditions are data, never code: they are checked against a catalogue of attributes when a document
is loaded, and compiled once into plain closures. What is not known neither holds nor fails: see
:mod:`shared.conditions.compiler`.
"""
