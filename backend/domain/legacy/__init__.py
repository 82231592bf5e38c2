"""The strangler: requests to a system that Headwater replaces route by route."""
