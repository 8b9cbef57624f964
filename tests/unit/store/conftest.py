import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest
from tests.harness.household import empty_database
from tests.harness.postgres import Cluster, cluster

from madang.store.sql import SqlStore

_names = itertools.count()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    with cluster() as made:
        yield made


def _fresh(server: Cluster) -> str:
    name = f"madang{next(_names)}"

    async def create() -> None:
        connection = await asyncpg.connect(server.url("postgres"))
        await connection.execute(f"CREATE DATABASE {name}")
        await connection.close()

    asyncio.run(create())
    return server.url(name)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.needs("postgres"))])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'madang.db'}"
    return _fresh(request.getfixturevalue("postgres"))


@pytest.fixture
async def store(url: str, tmp_path: Path) -> AsyncIterator[SqlStore]:
    if url.startswith("sqlite"):
        await empty_database(tmp_path)
    opened = await SqlStore.open(url, tmp_path)
    yield opened
    await opened.close()
