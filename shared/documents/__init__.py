"""Business documents: YAML that people edit, checked whole before it counts.

``yaml_text`` parses text, ``checking`` validates plain data against a declared shape, ``versions``
tells whether a document changed under an old version, ``files`` reads folders. Only the last touches
a disk; text drafted over an API takes the same path without it.
"""
