"""Acts on the outside: writing and sending mails, telling what came back from them."""
