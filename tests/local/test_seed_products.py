"""Loading products over HTTP into an API that keeps them in memory, and that fails as it is told."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from local.appsync.http1 import HttpConnection
from local.appsync.http_messages import Request, Response
from local.seed.journal import FORGOTTEN_SECONDS
from local.seed.load import SeedError
from local.seed.product_report import report_products
from local.seed.products import BATCH_PRODUCTS, Loaded, ProductFile, load_products, read_products
from local.seed.seller import ATTEMPTS, Seller


class ShopApi:
    """`createCategory` and `importProducts` in memory. `failures` are answered first, one to each request."""

    def __init__(self) -> None:
        self.products: dict[str, dict[str, Any]] = {}
        self.categories: dict[str, dict[str, Any]] = {}
        self.batches: list[list[str]] = []
        self.failures: list[dict[str, Any]] = []
        self.token = "first"
        self.sign_ins = 0

    async def start(self) -> None:
        self._connections: set[HttpConnection] = set()
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: HttpConnection(self, self._connections, secure=False, clock=loop.time), "127.0.0.1", 0
        )
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/graphql"

    async def stop(self) -> None:
        self._server.close()
        for connection in list(self._connections):
            connection.abort()

    async def sign_in(self) -> str:
        self.sign_ins += 1
        return self.token

    async def respond(self, request: Request) -> Response:
        if request.header("authorization") != self.token:
            return answer({"errors": [{"errorType": "UnauthorizedException", "message": "Token has expired."}]}, 401)
        if self.failures:
            return answer({"data": None, "errors": [self.failures.pop(0)]})
        body = json.loads(request.body)
        given = body["variables"]["input"]
        if "createCategory" in body["query"]:
            there = self.categories.setdefault(given["id"], given)
            if there != given:
                error = {"errorType": "InvalidInput", "message": "taken", "errorInfo": {"field": "input.id"}}
                return answer({"data": {"createCategory": None}, "errors": [error]})
            return answer({"data": {"createCategory": {"id": given["id"]}}})
        return answer({"data": {"importProducts": self.upsert(given["products"])}})

    async def upgrade(self, request: Request) -> Response:
        return await self.respond(request)

    def upsert(self, products: list[dict[str, Any]]) -> dict[str, Any]:
        self.batches.append([each["id"] for each in products])
        result: dict[str, Any] = {"created": 0, "updated": 0, "unchanged": 0, "rejected": []}
        for index, each in enumerate(products):
            assert each["category"] in self.categories
            if each["title"] == "bad":
                field = f"input.products[{index}].title"
                result["rejected"].append(
                    {"index": index, "id": each["id"], "field": field, "message": f"{field} is bad."}
                )
                continue
            there = self.products.get(each["id"])
            result["created" if there is None else "unchanged" if there == each else "updated"] += 1
            self.products[each["id"]] = each
        return result


def answer(body: dict[str, Any], status: int = 200) -> Response:
    return Response(status, [("content-type", "application/json")], json.dumps(body).encode())


@pytest.fixture
async def api() -> AsyncIterator[ShopApi]:
    served = ShopApi()
    await served.start()
    yield served
    await served.stop()


def books(folder: Path, count: int, **titles: str) -> ProductFile:
    file = folder / "books.csv"
    lines = [f"{number},{titles.get(f'b{number}', f'Book {number}')}" for number in range(1, count + 1)]
    file.write_text("book_id,title\n" + "\n".join(lines) + "\n")
    return read_products(file)


async def load(api: ShopApi, file: ProductFile, connections: int = 2) -> Loaded:
    seller = Seller(api.url, api.sign_in, connections=connections)
    try:
        return await load_products(file, seller, file.path.parent / "notes.jsonl")
    finally:
        await seller.close()


async def test_every_product_is_loaded_once_and_a_second_run_changes_nothing(api: ShopApi, tmp_path: Path) -> None:
    file = books(tmp_path, 2 * BATCH_PRODUCTS + 3)
    loaded = await load(api, file)
    assert (loaded.created, loaded.updated, loaded.unchanged, loaded.rejects, loaded.skipped) == (103, 0, 0, (), 0)
    assert sorted(map(len, api.batches)) == [3, 50, 50]
    assert api.products.keys() == {f"book-{number}" for number in range(1, 104)}
    assert api.categories["book"]["parent"] is None
    before = dict(api.products)
    again = await load(api, file)
    assert (again.created, again.unchanged, api.products) == (0, 103, before)
    assert {each.name for each in file.path.parent.iterdir()} == {"books.csv"}


async def test_limits_a_busy_database_and_an_expired_token_are_borne(api: ShopApi, tmp_path: Path) -> None:
    api.failures = [
        {"errorType": "TooManyRequests", "message": "later", "errorInfo": {"retryAfterMs": 1}},
        {"errorType": "TryAgain", "message": "busy"},
        {"errorType": "Lambda:Unhandled", "message": "killed"},
    ]
    file = books(tmp_path, 60)
    seller = Seller(api.url, api.sign_in, connections=1)
    assert (await load_products(file, seller, tmp_path / "notes")).created == 60
    api.token = "second"
    assert (await load_products(file, seller, tmp_path / "notes")).unchanged == 60
    await seller.close()
    assert api.sign_ins == 2


async def test_what_never_passes_ends_the_run_which_goes_on_the_next_time(api: ShopApi, tmp_path: Path) -> None:
    file = books(tmp_path, 4 * BATCH_PRODUCTS)
    await load(api, file)  # makes the categories known
    api.batches.clear()
    api.products.clear()
    seller = Seller(api.url, api.sign_in, connections=1)

    def refuse_from_the_third_batch(products: int) -> None:
        if products and len(api.batches) == 2:
            api.failures = [{"errorType": "Unauthorized", "message": "no seller"}]

    with pytest.raises(SeedError, match=r"lines 102 to 151 were not loaded: Unauthorized.*100 products are"):
        await load_products(file, seller, tmp_path / "notes.jsonl", progress=refuse_from_the_third_batch)
    await seller.close()
    api.batches.clear()
    age(tmp_path / "notes.jsonl", batch=0)
    loaded = await load(api, file)
    # The first batch is known; the second was answered a moment before the end, and is sent again.
    assert sorted(batch[0] for batch in api.batches) == ["book-101", "book-151", "book-51"]
    assert (loaded.created, loaded.unchanged, loaded.skipped) == (150, 50, 50)
    assert len(api.products) == 200


def age(notes: Path, batch: int) -> None:
    """Let a batch have been answered a while before the others."""
    entries = [json.loads(line) for line in notes.read_text().splitlines() if line]
    for each in entries:
        each["at"] -= (each["batch"] == batch) * 2 * FORGOTTEN_SECONDS
    notes.write_text("".join(json.dumps(each) + "\n" for each in entries) + '{"batch": 3, "at"')


async def test_two_runs_of_one_file_do_not_get_in_each_others_way(api: ShopApi, tmp_path: Path) -> None:
    file = books(tmp_path, 10)
    outcomes = await asyncio.gather(load(api, file), load(api, file), return_exceptions=True)
    (refused,) = (each for each in outcomes if isinstance(each, BaseException))
    assert "another process is loading" in str(refused)


async def test_a_category_that_is_there_under_another_name_stays(api: ShopApi, tmp_path: Path) -> None:
    mine = {"id": "book", "name": "My books", "parent": None}
    api.categories["book"] = mine
    assert (await load(api, books(tmp_path, 1))).created == 1
    assert api.categories["book"] == mine


async def test_nobody_to_talk_to_is_told(api: ShopApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local.seed.seller._LONGEST_SECONDS", 0.01)
    await api.stop()
    with pytest.raises(SeedError, match="not every category"):
        await load(api, books(tmp_path, 1))


async def test_a_failure_that_stays_is_given_up(api: ShopApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local.seed.seller._LONGEST_SECONDS", 0.01)
    api.failures = [{"errorType": "TryAgain", "message": "busy"}] * ATTEMPTS
    with pytest.raises(SeedError, match="TryAgain: busy"):
        await load(api, books(tmp_path, 1), connections=1)


async def test_what_is_refused_is_reported_with_line_id_and_reason(api: ShopApi, tmp_path: Path) -> None:
    file = tmp_path / "books.csv"
    file.write_text("id,title\nx,bad\ny,Emma\n?,no id\n")
    loaded = await load(api, read_products(file))
    console = Console(file=io.StringIO(), width=200)
    report_products(loaded, tmp_path / "below" / "rejected.csv", console)
    assert (tmp_path / "below" / "rejected.csv").read_text().splitlines() == [
        "line,id,reason",
        "2,x,title is bad.",
        """4,?,"id: '?' is not 1 to 64 letters, digits or hyphens\"""",
    ]
    assert isinstance(console.file, io.StringIO)
    assert "line 2, x: title is bad." in console.file.getvalue()


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(SeedError, match="there is no file"):
        read_products(tmp_path / "none.csv")
    with pytest.raises(SeedError, match="cannot be read"):
        read_products(tmp_path)
    (tmp_path / "empty.csv").touch()
    with pytest.raises(SeedError, match=r"it is empty\. Nothing was loaded"):
        read_products(tmp_path / "empty.csv")
