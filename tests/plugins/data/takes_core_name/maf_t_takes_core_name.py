"""Wants a name that the core gives."""

from maf_core import AgentSpec, hookimpl


@hookimpl
def maf_agents():
    yield AgentSpec(name="synthesis", factory="json:loads")
