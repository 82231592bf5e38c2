"""The shop over plain HTTP: the same use cases as GraphQL's, as routes of the HTTP API."""
