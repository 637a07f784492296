"""What is asked of tracking links, decided: a link is added, changed, retired or brought back."""

from __future__ import annotations

from services.ingest.domain.links.definitions import (
    AddLink,
    ChangeLink,
    Link,
    LinkTaken,
    LinkUnknown,
    change_link,
    make_link,
    says_the_same,
)
from shared.kernel.instants import Instant


def on_link_command(link: Link | None, command: AddLink | ChangeLink, *, at: Instant) -> Link:
    """Return the link as it is from now on; ``link`` is what has the name now.

    A link that is added again as it stands stays as it is.

    :raises Rejected: with what is wrong and how to put it right.
    """
    if isinstance(command, AddLink):
        wanted = make_link(command, at=at)
        if link is None:
            return wanted
        if says_the_same(link, wanted):
            return link
        raise LinkTaken(field="link")
    if link is None:
        raise LinkUnknown
    return change_link(link, command, at=at)
