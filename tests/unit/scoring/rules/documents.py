"""Models of one rule, or of one group, for tests of what rules can say."""

from __future__ import annotations


def one_rule(rule: str, *, group: str = "") -> str:
    """The document of a model with one rule over behaviour; ``group`` adds a line to its group."""
    return one_group(f"      - {{rule: it, {rule}}}", group=group)


def one_group(rules: str, *, group: str = "") -> str:
    """The document of a model with one group of behaviour."""
    return f"""
name: one
version: 1
groups:
  - group: behaviour
    of: behaviour
    {group}
    rules:
{rules}
tiers: [{{tier: all}}]
"""
