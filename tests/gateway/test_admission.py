"""Room for calls: bounded, fair between accounts, refused in the protocol's words."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor, as_completed
from http.client import HTTPConnection
from itertools import islice
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from haar.gateway.admission import (
    ALONE_CALLS,
    CROWDED_TURNS,
    LANE_WRITES,
    TURN_CALLS,
    WAIT_MS,
    Admission,
    Lane,
    Shed,
)
from haar.gateway.bodies import WHOLE_BYTES_MAX, Hold, read_whole
from haar.identity.refusals import Kind
from haar.kernel.clock import VirtualClock
from haar.kernel.errors import ApiError
from haar.kit.streams import OnePiece
from haar.testing import running
from haar.wire.drive import Drive
from haar.wire.http import HttpRequest
from haar.wire.room import NoRoom, Room


def asked(**headers: str) -> HttpRequest:
    named = {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}
    return HttpRequest(
        method="POST",
        path=b"/",
        query=b"",
        headers=named,
        header_list=[],
        body=b"",
        peer="127.0.0.1",
    )


def authorization(access_key: str) -> HttpRequest:
    return asked(authorization=f"AWS4-HMAC-SHA256 Credential={access_key}/20261125/us-east-1/sqs/x")


def told(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(work)


async def call(admission: Admission, lane: Lane, order: list[str]) -> None:
    turn = admission.enter(lane)
    try:
        if turn is not None:
            await admission.wait(turn)
        order.append(lane.account)
    finally:
        admission.leave(lane)


def test_a_crowd_delays_another_account_by_one_call_a_turn() -> None:
    """A call that comes after 500 of another account is among the first of the next turn."""

    async def story() -> list[str]:
        admission, order = Admission(4096, VirtualClock()), []
        crowd, one = Lane("crowd"), Lane("one")
        calls = [call(admission, crowd, order) for _ in range(500)]
        await asyncio.gather(*calls, call(admission, one, order))
        assert (admission.calls, admission.waiting) == (0, 0)
        return order

    order = told(story())
    assert len(order) == 501
    assert order.index("one") <= TURN_CALLS + 2


async def alone(admission: Admission, lane: Lane) -> None:
    """Let an account have so many turns that nobody else counts as company any more."""
    for _ in range(CROWDED_TURNS + 1):
        await call(admission, lane, [])
        await asyncio.sleep(0)


@pytest.mark.parametrize(("is_alone", "most"), [(False, TURN_CALLS), (True, ALONE_CALLS)])
def test_in_a_turn_only_so_many_calls_begin(is_alone: bool, most: int) -> None:
    """The loop looks at its sockets between turns; an account that is alone waits less often."""

    async def story() -> list[int]:
        admission, order, seen = Admission(4096, VirtualClock()), [], []
        lane = Lane("a")
        if is_alone:
            await alone(admission, lane)
        tasks = [asyncio.ensure_future(call(admission, lane, order)) for _ in range(200)]
        while len(order) < 200:
            await asyncio.sleep(0)
            seen.append(len(order))
        await asyncio.gather(*tasks)
        return [b - a for a, b in zip([0, *seen], seen, strict=False)]

    begun = told(story())
    assert max(begun) == most
    assert sum(begun) == 200


async def write(admission: Admission, lane: Lane, order: list[str], synced: asyncio.Event) -> None:
    turn = admission.enter(lane)
    try:
        if turn is not None:
            await admission.wait(turn)
        admission.begin_write(lane)
        order.append(lane.account)
        await synced.wait()
        admission.end_write(lane)
    finally:
        admission.leave(lane)


async def turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


@pytest.mark.parametrize("is_alone", [True, False])
def test_an_account_among_others_has_so_many_writes_under_way(is_alone: bool) -> None:
    """What a loud account writes beyond them waits for its syncs; another's call does not."""

    async def story() -> tuple[int, int, int]:
        admission, order, synced = Admission(4096, VirtualClock()), [], asyncio.Event()
        crowd, one = Lane("crowd"), Lane("one")
        await alone(admission, crowd)
        writes = [write(admission, crowd, order, synced) for _ in range(200)]
        if not is_alone:
            admission.enter(one)
            admission.leave(one)
        crowded = asyncio.gather(*writes)
        await turns(50)
        begun, waiting = order.count("crowd"), admission.waiting
        if not is_alone:
            await call(admission, one, order)
        synced.set()
        await crowded
        assert (admission.calls, admission.waiting, crowd.writes) == (0, 0, 0)
        return begun, waiting, order.index("one") if "one" in order else -1

    begun, waiting, place = told(story())
    assert begun + waiting == 200
    if is_alone:
        assert (waiting, place) == (0, -1)
    else:
        assert LANE_WRITES <= begun <= LANE_WRITES + TURN_CALLS
        assert place == begun, "it came while the crowd's writes waited for their sync"


def test_company_makes_turns_short_at_once() -> None:
    """The first call of another account ends the long turns of one that was alone."""

    async def story() -> list[str]:
        admission, order = Admission(4096, VirtualClock()), []
        crowd, one = Lane("crowd"), Lane("one")
        await alone(admission, crowd)
        calls = [call(admission, crowd, order) for _ in range(500)]
        await asyncio.gather(*calls, call(admission, one, order))
        return order

    assert told(story()).index("one") <= ALONE_CALLS + TURN_CALLS


def test_calls_that_do_not_meet_do_not_wait() -> None:
    """Whoever comes alone begins at once."""

    async def story() -> int:
        admission, order = Admission(4096, VirtualClock()), []
        for _ in range(100):
            await call(admission, Lane("a"), order)
            await asyncio.sleep(0)
        return admission.waited

    assert told(story()) == 0


def test_an_account_holds_half_of_the_places_at_most() -> None:
    """Its long polls leave room for the others, and the whole has a bound, too."""

    async def story() -> tuple[int, int]:
        admission = Admission(10, VirtualClock())
        first, second, third = Lane("1"), Lane("2"), Lane("3")
        for lane in (first, second):
            for _ in range(5):
                admission.enter(lane)
            with pytest.raises(Shed):
                admission.enter(lane)
        with pytest.raises(Shed):
            admission.enter(third)
        admission.leave(first)
        admission.enter(third)
        return admission.calls, admission.shed

    assert told(story()) == (10, 3)


def test_who_waited_too_long_is_shed() -> None:
    """A call that has waited longer than clients do is not begun."""

    async def story() -> tuple[int, int]:
        clock = VirtualClock()
        admission, order, lane = Admission(4096, clock), [], Lane("a")
        tasks = [asyncio.ensure_future(call(admission, lane, order)) for _ in range(TURN_CALLS + 3)]
        await asyncio.sleep(0)
        clock.advance(WAIT_MS + 1)
        ends = await asyncio.gather(*tasks, return_exceptions=True)
        assert sum(isinstance(end, Shed) for end in ends) == 3
        return admission.shed, len(order)

    assert told(story()) == (3, TURN_CALLS)


def test_a_client_that_is_gone_frees_its_place() -> None:
    """A call that is cancelled in its lane is passed over."""

    async def story() -> tuple[int, int]:
        admission, order, lane = Admission(4096, VirtualClock()), [], Lane("a")
        tasks = [asyncio.ensure_future(call(admission, lane, order)) for _ in range(TURN_CALLS + 9)]
        await asyncio.sleep(0)
        tasks[-1].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return admission.calls, len(order)

    assert told(story()) == (0, TURN_CALLS + 8)


def test_a_call_that_is_driven_by_hand_frees_its_place_in_the_turn_too() -> None:
    """The server has no task to cancel: the place in the lane is given up all the same."""

    async def story() -> None:
        admission, lane = Admission(4096, VirtualClock()), Lane("a")
        turns = [admission.enter(lane) for _ in range(TURN_CALLS * 8)]
        turn = turns[-1]
        assert turn is not None
        drive = Drive(admission.wait(turn), lambda *_: None, asyncio.get_running_loop())
        drive.run()
        drive.cancel()
        assert turn.cancelled()

    asyncio.run(story())


def test_a_lane_is_had_by_signing_not_by_claiming() -> None:
    """Keys whose signature was never verified share one lane."""
    admission = Admission(4096, VirtualClock())
    known, invented = authorization("AKIA" + "A" * 16), authorization("AKIA" + "B" * 16)
    assert admission.is_stranger(admission.lane_of(known))
    admission.learn(known, "111111111111")
    admission.learn(authorization("ASIA" + "A" * 16), "111111111111")
    assert admission.lane_of(known).account == "111111111111"
    assert admission.lane_of(known) is admission.lane_of(authorization("ASIA" + "A" * 16))
    assert admission.is_stranger(admission.lane_of(invented))
    assert admission.is_stranger(admission.lane_of(asked()))


@pytest.mark.parametrize(
    ("header", "is_late"),
    [
        ("ttl=20231114T221319Z; attempt=1; max=3", True),
        ("ttl=20231114T221320Z; attempt=1; max=3", False),
        ("attempt=2; max=3; ttl=20231114T221319Z", True),
        ("attempt=1; max=3", False),
        ("ttl=soon", False),
        ("ttl=", False),
    ],
)
def test_nobody_works_for_a_client_that_has_gone(header: str, is_late: bool) -> None:
    """A request whose deadline has passed is refused; 2023-11-14T22:13:20Z is now."""
    admission = Admission(4096, VirtualClock(1_700_000_000_000))
    if not is_late:
        admission.refuse_late(asked(amz_sdk_request=header))
        return
    with pytest.raises(Shed) as refused:
        admission.refuse_late(asked(amz_sdk_request=header))
    assert refused.value.kind is Kind.LATE


@pytest.mark.parametrize(
    ("service", "operation", "code", "status"),
    [
        ("sts", "get_caller_identity", "Throttling", 400),
        ("lambda", "list_functions", "TooManyRequestsException", 429),
        ("stepfunctions", "list_state_machines", "ThrottlingException", 400),
        ("s3", "list_buckets", "SlowDown", 503),
        ("sqs", "list_queues", "RequestThrottled", 400),
        ("dynamodb", "list_tables", "ThrottlingException", 400),
        ("pipes", "list_pipes", "ThrottlingException", 429),
    ],
)
def test_what_is_shed_is_told_in_the_protocols_words(
    service: str, operation: str, code: str, status: int
) -> None:
    """Clients know the code, and try again by themselves."""
    with running(calls_max=0) as cloud:
        client = cloud.client(service, config=Config(retries={"total_max_attempts": 1}))
        with pytest.raises(ClientError) as refused:
            getattr(client, operation)()
        assert cloud.app.audit.recent()[-1].error == code
    answer = refused.value.response
    assert (answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]) == (code, status)
    headers = answer["ResponseMetadata"]["HTTPHeaders"]
    assert headers.get("retry-after") == ("1" if service in ("lambda", "pipes") else None)


def test_long_polls_leave_room_for_others() -> None:
    """Of eight places one account's long polls hold four; another account's call has its own."""
    with running(calls_max=8, dev=True) as cloud:
        crowd, one = (
            cloud.client(
                "sqs",
                aws_access_key_id=account,
                aws_secret_access_key="test",
                config=Config(retries={"total_max_attempts": 1}, max_pool_connections=8),
            )
            for account in ("111111111111", "222222222222")
        )
        url = crowd.create_queue(QueueName="orders")["QueueUrl"]

        def poll() -> str:
            try:
                crowd.receive_message(QueueUrl=url, WaitTimeSeconds=4)
            except ClientError as refused:
                return str(refused.response["Error"]["Code"])
            return ""

        with ThreadPoolExecutor(6) as threads:
            polls = [threads.submit(poll) for _ in range(6)]
            shed = [ended.result() for ended in islice(as_completed(polls), 2)]
            assert shed == ["RequestThrottled"] * 2
            assert one.list_queues()["ResponseMetadata"]["HTTPStatusCode"] == 200
            assert sorted(ended.result() for ended in polls) == [""] * 4 + shed


def test_a_late_request_is_refused_by_the_server() -> None:
    """Before its signature is looked at."""
    with running() as cloud:
        connection = HTTPConnection(cloud.endpoint.removeprefix("http://"), timeout=60)
        headers = {
            "X-Amz-Target": "AWSStepFunctions.ListStateMachines",
            "amz-sdk-request": "ttl=20200101T000000Z; attempt=1",
        }
        connection.request("POST", "/", body=b"{}", headers=headers)
        answer = connection.getresponse()
        assert answer.status == 400
        assert b"RequestTimeoutException" in answer.read()
        connection.close()


def test_long_bodies_share_a_bounded_room() -> None:
    """What does not fit is throttled, what was taken is given back, and none is too long."""

    async def read(hold: Hold, size: int) -> int:
        request = asked()
        request.body = OnePiece(bytes(size))
        await read_whole(request, hold)
        return len(request.body)

    room = Room(100)
    first, second = Hold(room), Hold(room)
    assert told(read(first, 60)) == 60
    with pytest.raises(NoRoom):
        told(read(second, 60))
    first.free()
    second.free()
    assert room.used == 0
    assert told(read(second, 60)) == 60
    with pytest.raises(ApiError) as refused:
        told(read(Hold(Room()), WHOLE_BYTES_MAX + 1))
    assert refused.value.code == "RequestEntityTooLargeException"
