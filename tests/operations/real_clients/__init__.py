"""Other people's SDKs, as their registries have them, against a running platform whose log goes away."""
