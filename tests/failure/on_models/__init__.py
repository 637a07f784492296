"""The crash matrix on ingest → scoring with all that scoring can do switched on.

The register has a version in shadow, one that rules a share of the leads, and one that is published and
taken back while everything runs; two webhooks tell a receiver that is a process of its own and answers
badly. Beside each of scoring's workers run the jobs that its process runs in production: the pass that
renews leads, previews, shadows, and what serves webhooks. Whatever kills a worker kills them.
"""
