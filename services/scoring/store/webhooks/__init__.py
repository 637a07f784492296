"""Tables of webhooks: who is told, what is on its way, what was tried; and the document of patience."""
