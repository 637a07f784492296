"""How clients say it: the SDK protocol, leads and forms, outcomes and costs. All become an intake."""
