"""The life of a model: a list of steps that people take, each with who and why.

draft → validated → shadow → share of leads → live → rolled back. The register is what the steps come to,
and a ruling tells for each lead which versions hold for it. Both follow from the steps and the lead alone.
"""
