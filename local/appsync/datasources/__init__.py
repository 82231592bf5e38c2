"""Data sources: what a resolver's request object is carried out by.

One module per type. `build` makes one from its definition; types that are not emulated are refused with `NotEmulated`
when the API is built, not when a field is asked for.
"""

from __future__ import annotations

from local.appsync.datasources.building import build
from local.appsync.datasources.interface import BatchDataSource, Client, DataSource, DataSourceError, Invocation, Invoke

__all__ = ["BatchDataSource", "Client", "DataSource", "DataSourceError", "Invocation", "Invoke", "build"]
