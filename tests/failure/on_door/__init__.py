"""The front door while things die: what was acknowledged took effect once, whatever was killed or full.

The product's own processes, the edge on a small disk of its own; a sender that sends again what was not
acknowledged, as SDKs do; and a book of what was answered, held against what ingest made of it.
"""
