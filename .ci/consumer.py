"""What a program sees of the installed wheel: run it, and type-check it, away from the checkout."""

from __future__ import annotations

import asyncio

import gradio_transports

from gradio_proto import (
    AppError,
    AsyncClient,
    AsyncJob,
    Client,
    GradioError,
    Job,
    Limits,
    StatusUpdate,
    Timeouts,
)
from gradio_proto.events import Completed, Output
from gradio_proto.testing import TestApp, serve
from gradio_proto.tracing import JobEnded, TraceRecord

app = TestApp()


@app.endpoint("/count")
def count(n: int) -> list[int]:
    if n < 0:
        raise ValueError("less than nothing")
    return list(range(n))


def main() -> None:
    records: list[TraceRecord] = []
    with (
        serve(app) as url,
        Client(
            url, timeouts=Timeouts(total=10.0), limits=Limits(json_depth=50), on_trace=records.append
        ) as client,
    ):
        assert client.predict(3, api_name="/count") == [0, 1, 2]
        job: Job = client.submit(2, api_name="/count")
        assert job.result(10) == [0, 1]
        assert [type(event) for event in job.events()][-2:] == [Output, Completed]
        status: StatusUpdate = job.status()
        assert status.success
        try:
            client.predict(-1, api_name="/count")
        except AppError as error:
            wide: GradioError = error
            text: str = error.message
            assert text == "less than nothing"
            assert wide.endpoint == "/count"
        else:
            raise AssertionError("the app's error did not come through")
        assert list(client.map(range(3), api_name="/count")) == [[], [0], [0, 1]]
        assert client.api.count(n=2) == [0, 1]
        assert client.schema()["/count"]["input"]["required"] == ["n"]
        assert [tool["name"] for tool in client.schema("mcp")] == ["count"]
        asyncio.run(in_a_loop(url))
    assert [record.outcome for record in records if isinstance(record, JobEnded)][:2] == ["completed"] * 2
    assert gradio_transports.__doc__


async def in_a_loop(url: str) -> None:
    async with AsyncClient(url) as client:
        job: AsyncJob = await client.submit(2, api_name="/count")
        assert [output async for output in job] == [[0, 1]]
        assert await job.result() == [0, 1]
        assert [result async for result in client.map([1, 2], api_name="/count")] == [[0], [0, 1]]


if __name__ == "__main__":
    main()
