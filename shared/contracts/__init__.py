"""What the services say to each other: topics, envelopes and events.

The only room of ``shared`` that names business facts. Everything here is pure except
:mod:`shared.contracts.generation`, which reads and writes the files made from these declarations.
"""

import shared.contracts.events  # noqa: F401 - whoever imports any part finds every event declared
