"""The native API: leads, events, outcomes and costs as plain JSON, and CloudEvents."""
