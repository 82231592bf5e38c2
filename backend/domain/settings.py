"""What functions are told through their environment, read when first asked for and never at import."""

import os
from dataclasses import dataclass
from functools import cache


class MissingSetting(Exception):
    """A function lacks an environment variable that its template must set."""


@dataclass(frozen=True)
class Settings:
    """The settings of a function. Each function has only those that its template sets."""

    environment: dict[str, str]

    @property
    def main_table(self) -> str:
        """The name of the main table."""
        return self._required("MAIN_TABLE")

    @property
    def change_log(self) -> str:
        """The name of the change log's table."""
        return self._required("CHANGE_LOG")

    @property
    def search_table(self) -> str:
        """The name of the table of what is derived from the main table."""
        return self._required("SEARCH_TABLE")

    @property
    def event_bus(self) -> str:
        """The name of the bus of domain events."""
        return self._required("EVENT_BUS")

    @property
    def graphql_url(self) -> str:
        """Where the publisher posts its mutations."""
        return self._required("GRAPHQL_URL")

    @property
    def failures(self) -> str:
        """The name of the bucket of what could not be published."""
        return self._required("FAILURES")

    @property
    def parked_queue_url(self) -> str:
        """The queue that tells operators of parked records."""
        return self._required("PARKED_QUEUE_URL")

    @property
    def presence_queue_url(self) -> str:
        """The queue of the questions whether somebody is still present."""
        return self._required("PRESENCE_QUEUE_URL")

    @property
    def user_pool_id(self) -> str:
        """The id of the user pool."""
        return self._required("USER_POOL_ID")

    @property
    def user_pool_client_id(self) -> str:
        """What the application's users sign in by."""
        return self._required("USER_POOL_CLIENT_ID")

    @property
    def auth_key_pepper(self) -> str:
        """The secret that auth keys are hashed with, by its ARN."""
        return self._required("AUTH_KEY_PEPPER")

    @property
    def web_origins(self) -> frozenset[str]:
        """The origins of the web applications that may keep sessions."""
        return frozenset(each.strip() for each in self._required("WEB_ORIGINS").split(",") if each.strip())

    @property
    def rate_limits(self) -> str:
        """The name of the table of the callers' token buckets."""
        return self._required("RATE_LIMITS")

    @property
    def mutation_limits(self) -> str:
        """The name of the parameter that says how large those are."""
        return self._required("MUTATION_LIMITS")

    @property
    def heartbeat_seconds(self) -> int:
        """How often someone who is present says so."""
        return int(self._required("HEARTBEAT_SECONDS"))

    @property
    def cart_seconds(self) -> int:
        """How long a cart is kept that nobody changes."""
        return round(float(self._required("CART_HOURS")) * 3600)

    @property
    def legacy_base_url(self) -> str:
        """Where the legacy system is, as deployed; empty without one."""
        return self.environment.get("LEGACY_BASE_URL", "")

    @property
    def legacy_settings(self) -> str:
        """The name of the parameter that says which routes it still answers."""
        return self._required("LEGACY_SETTINGS")

    @property
    def legacy_secret(self) -> str:
        """The name of the secret that requests to it are signed with; empty without one."""
        return self.environment.get("LEGACY_SECRET", "")

    @property
    def feature_flags(self) -> tuple[str, ...]:
        """What operators have turned on for clients to see; often nothing."""
        return tuple(each.strip() for each in self.environment.get("FEATURE_FLAGS", "").split(",") if each.strip())

    @property
    def region(self) -> str:
        """The region of the function, set by Lambda."""
        return self._required("AWS_REGION")

    @property
    def retention_seconds(self) -> int:
        """How long messages live and missed changes can be fetched."""
        return round(float(self._required("RETENTION_HOURS")) * 3600)

    def _required(self, name: str) -> str:
        value = self.environment.get(name)
        if not value:
            raise MissingSetting(f"{name} is not set: the function's template must set it in Environment.Variables")
        return value


@cache
def settings() -> Settings:
    """The settings of this process."""
    return Settings(dict(os.environ))
