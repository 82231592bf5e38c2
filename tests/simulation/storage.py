"""S3 and SQS in memory, behind boto3's calls: where records are parked, and where that is announced."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from io import BytesIO
from typing import Any

from botocore.exceptions import ClientError, ReadTimeoutError

from tests.simulation.kernel import Kernel
from tests.simulation.network import Network
from tests.simulation.weather import Weather

_PAGE = 2  # names in a listing: S3 has 1,000
_SILENCE_SECONDS = 10.0


class Storage:
    """The objects of a bucket and the messages of a queue."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.messages: dict[str, str] = {}
        self._sent = 0

    def put_object(self, **request: Any) -> dict[str, Any]:
        if request.get("IfNoneMatch") == "*" and request["Key"] in self.objects:
            raise _error("PreconditionFailed")
        self.objects[request["Key"]] = request["Body"]
        return {}

    def get_object(self, **request: Any) -> dict[str, Any]:
        if request["Key"] not in self.objects:
            raise _error("NoSuchKey")
        return {"Body": BytesIO(self.objects[request["Key"]])}

    def list_objects_v2(self, **request: Any) -> dict[str, Any]:
        found = sorted(
            name for name in self.objects if name.startswith(request["Prefix"]) and name > request["StartAfter"]
        )
        return {"Contents": [{"Key": name} for name in found[:_PAGE]], "IsTruncated": len(found) > _PAGE}

    def delete_object(self, **request: Any) -> dict[str, Any]:
        self.objects.pop(request["Key"], None)
        return {}

    def send_message(self, **request: Any) -> dict[str, Any]:
        self._sent += 1
        self.messages[f"handle-{self._sent}"] = request["MessageBody"]
        return {}

    def receive_message(self, **_: Any) -> dict[str, Any]:
        taken = [{"ReceiptHandle": handle, "Body": body} for handle, body in list(self.messages.items())[:2]]
        return {"Messages": taken}

    def delete_message(self, **request: Any) -> dict[str, Any]:
        self.messages.pop(request["ReceiptHandle"], None)
        return {}


class Client:
    """boto3's clients of S3 and SQS, as the processes of a host use them."""

    def __init__(self, storage: Storage, network: Network, kernel: Kernel, weather: Weather) -> None:
        self._storage = storage
        self._network = network
        self._kernel = kernel
        self._weather = weather

    def __getattr__(self, operation: str) -> Callable[..., dict[str, Any]]:
        call: Callable[..., dict[str, Any]] = getattr(self._storage, operation)
        return lambda **request: self._call(operation, lambda: call(**request))

    def _call(self, operation: str, call: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        self._network.point(operation)
        # S3 takes some ten milliseconds where DynamoDB takes a few.
        self._kernel.sleep(10 * self._network.latency())
        if self._weather.strikes("storage 500"):
            if self._kernel.random.random() < 0.5:
                _quietly(call)
            self._kernel.sleep(self._network.latency())
            raise _error("InternalError")
        if self._weather.strikes("storage silence"):
            moment = self._kernel.random.choice([None, 0.0, 5.0, 30.0])
            if moment is not None:
                self._kernel.later(moment * self._kernel.random.random(), _quietly, call)
            self._kernel.sleep(_SILENCE_SECONDS)
            raise ReadTimeoutError(endpoint_url="storage")
        result = call()
        self._network.point(f"{operation} answered")
        return result


def _quietly(call: Callable[[], object]) -> None:
    with suppress(ClientError):  # nobody waits for the answer
        call()


def _error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "simulated"}}, "Simulated")
