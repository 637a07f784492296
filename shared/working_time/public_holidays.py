"""Public holidays of a country, from the package ``holidays``.

What a year's days are then depends on the package's version, which is pinned. A calendar that must not
change with it lists its days itself.
"""

from __future__ import annotations

from typing import NamedTuple

import holidays

from shared.kernel.faults import Fault, allowed
from shared.working_time.document import PublicHolidaysDocument
from shared.working_time.openings import DayNumber, day_number


class PublicDays(NamedTuple):
    """Days off, and days off in other weeks that are worked instead."""

    free: frozenset[DayNumber] = frozenset()
    made_up: frozenset[DayNumber] = frozenset()


def find_public_days(source: PublicHolidaysDocument, path: str, faults: list[Fault]) -> PublicDays:
    """Return the days of the years that ``source`` names; what is unknown is a fault, and no days."""
    supported = holidays.list_supported_countries(include_aliases=False)
    if source.country not in supported:
        known = allowed(supported, instead_of=source.country)
        faults.append(Fault(f"{path}.country", f"holidays of {source.country} are not known; {known}"))
        return PublicDays()
    if source.subdivision is not None and source.subdivision not in supported[source.country]:
        known = allowed(supported[source.country], instead_of=source.subdivision)
        faults.append(
            Fault(f"{path}.subdivision", f"{source.subdivision} is not known in {source.country}; {known}")
        )
        return PublicDays()
    years = range(source.years.first, source.years.last + 1)
    found = holidays.country_holidays(source.country, subdiv=source.subdivision, years=years)
    if years and not (found.start_year <= years[0] and years[-1] <= found.end_year):
        text = f"holidays of {source.country} are known from {found.start_year} to {found.end_year}"
        faults.append(Fault(f"{path}.years", text))
    return PublicDays(
        free=frozenset(day_number(day) for day in found),
        made_up=frozenset(day_number(day) for day in found.weekend_workdays if day.year in years),
    )
