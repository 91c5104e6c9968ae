"""Room for a call: bounded, fair between accounts, decided before any real work.

Calls run one after the other on the loop, each until it waits (for the store's sync, for a
message). In one turn of the loop only so many begin at once; what more has arrived waits in the
lane of its account, and the next turns take one call of each lane in rotation. So an account with a
thousand connections delays another's call by one call of its own a turn, not by a thousand; and the
loop looks at its sockets between turns. While one account is alone, turns are longer, because
waiting has its own cost and there is nobody to be fair to.

Writes wait for a sync, and a sync ends for all that it covers. While the calls of one account wait
for theirs, nobody else's lane would be looked at but a loud one's, and the next sync would have to
wait for all that it has begun: so an account among others has only so many writes under way.

==================  ======================================================================
bound               beyond it
==================  ======================================================================
``calls_max``       calls that are held (at work, in a long poll, in a lane): shed
half of that        calls that one account holds: shed, so that its long polls leave room
:data:`TURN_CALLS`  calls begun in a turn: they wait in their lane; one account alone may
                    begin :data:`ALONE_CALLS`
:data:`LANE_WRITES` writes that wait for their sync, of one account among others: its next calls
                    wait in its lane
:data:`WAIT_MS`     time in a lane: shed, because the client is about to give up
``ttl``             the client's own deadline (``amz-sdk-request``): refused
==================  ======================================================================

A lane is found by the head of the ``Authorization`` header, which holds the access key id, once a
signature of that key has been verified. Everybody else shares the lane of strangers: an inventor of
access key ids gets no lane of his own.

Source: Amazon Builders' Library, "Using load shedding to avoid overload" and "Fairness in
multi-tenant systems".
"""

from __future__ import annotations

import asyncio
from collections import deque

from haar.identity.refusals import Kind
from haar.identity.remembered import Remembered
from haar.identity.stamps import stamp_of
from haar.kernel.clock import Clock
from haar.kernel.errors import ApiError
from haar.wire.http import HttpRequest

TURN_CALLS = 16
ALONE_CALLS = 64
LANE_WRITES = 32
CROWDED_TURNS = 256  # turns for which an account that was seen counts as company
WAIT_MS = 2_000
LANES_MAX = 10_000
_HEAD_BYTES = 48  # "AWS4-HMAC-SHA256 Credential=" and 20 letters


class Lane:
    """The calls of one account."""

    __slots__ = ("account", "calls", "waiting", "writes")

    def __init__(self, account: str) -> None:
        self.account = account
        self.calls = 0
        self.writes = 0
        self.waiting: deque[tuple[asyncio.Future[bool], float]] = deque()


class Shed(ApiError):
    """There is no room for a call, or nobody waits for it; the protocol words it.

    Attributes:
        kind: which of both.
    """

    def __init__(self, kind: Kind) -> None:
        super().__init__(str(kind))
        self.kind = kind


class Admission:
    """Gives calls their turn.

    Args:
        calls_max: how many may be held.
        clock: tells waiting times and deadlines.
    """

    __slots__ = (
        "_calls_max",
        "_clock",
        "_crowded",
        "_full",
        "_is_turning",
        "_lanes",
        "_last",
        "_left",
        "_of_account",
        "_rotation",
        "_strangers",
        "calls",
        "late",
        "shed",
        "waited",
    )

    def __init__(self, calls_max: int, clock: Clock) -> None:
        self._calls_max = calls_max
        self._clock = clock
        self._strangers = Lane("")
        self._of_account: Remembered[str, Lane] = Remembered(LANES_MAX)
        self._lanes: Remembered[bytes, Lane] = Remembered(LANES_MAX)
        self._rotation: deque[Lane] = deque()
        self._full: set[Lane] = set()  # calls wait in them, until a write has ended
        self._left = ALONE_CALLS
        self._last = self._strangers
        self._crowded = 0
        self._is_turning = False
        self.calls = 0
        self.shed = 0
        self.late = 0
        self.waited = 0

    @property
    def waiting(self) -> int:
        """Calls that wait for their turn."""
        return sum(len(lane.waiting) for lane in (*self._rotation, *self._full))

    def lane_of(self, request: HttpRequest) -> Lane:
        """Return the lane of whoever says to have signed a request."""
        head = request.headers.get(b"authorization", b"")[:_HEAD_BYTES]
        return self._lanes.get(head, self._strangers)

    def learn(self, request: HttpRequest, account: str) -> None:
        """Remember whose a request was, now that its signature has been verified."""
        head = request.headers.get(b"authorization", b"")[:_HEAD_BYTES]
        if head:
            lane = self._of_account.get(account) or self._of_account.keep(account, Lane(account))
            self._lanes.keep(head, lane)

    def is_stranger(self, lane: Lane) -> bool:
        """Return whether a lane is the one that all unknown keys share."""
        return lane is self._strangers

    def enter(self, lane: Lane) -> asyncio.Future[bool] | None:
        """Take a place; return what to wait for, None where the call may begin at once.

        Raises:
            Shed: there is no place.
        """
        if self.calls >= self._calls_max or lane.calls * 2 >= self._calls_max:
            self.shed += 1
            raise Shed(Kind.THROTTLED)
        self.calls += 1
        lane.calls += 1
        if lane is not self._last:
            self._meet(lane)
        if not self._is_turning:
            self._turn_soon()
        if self._left > 0 and not (lane.writes >= LANE_WRITES and self._crowded):
            self._left -= 1
            return None
        return self._queue(lane)

    def leave(self, lane: Lane) -> None:
        """Give the place back."""
        self.calls -= 1
        lane.calls -= 1

    def begin_write(self, lane: Lane) -> None:
        """Note that a call is about to write, and to wait for a sync."""
        lane.writes += 1

    def end_write(self, lane: Lane) -> None:
        """Note that a sync has ended for a call; those of its lane may go on."""
        lane.writes -= 1
        if lane in self._full:
            self._full.remove(lane)
            self._rotation.append(lane)
            if not self._is_turning:
                self._turn_soon()

    def _meet(self, lane: Lane) -> None:
        """Note that there is more than one account."""
        self._last = lane
        self._crowded = CROWDED_TURNS
        self._left = min(self._left, TURN_CALLS)

    def _queue(self, lane: Lane) -> asyncio.Future[bool]:
        self.waited += 1
        turn: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        if not lane.waiting and lane not in self._full:
            self._rotation.append(lane)
        lane.waiting.append((turn, self._clock.monotonic_ms()))
        return turn

    def _turn_soon(self) -> None:
        self._is_turning = True
        asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        """Begin the next turn: let one call of each lane go, in rotation."""
        self._is_turning = False
        self._crowded -= self._crowded > 0
        self._left = full = TURN_CALLS if self._crowded else ALONE_CALLS
        while self._rotation and self._left > 0:
            self._let_one_go()
        if self._rotation or self._left < full:
            self._turn_soon()

    def _let_one_go(self) -> None:
        lane = self._rotation.popleft()
        if lane.writes >= LANE_WRITES and self._crowded:
            self._full.add(lane)
            return
        turn, since_ms = lane.waiting.popleft()
        if lane.waiting:
            self._rotation.append(lane)
        if turn.done():  # the client is gone
            return
        is_in_time = self._clock.monotonic_ms() - since_ms <= WAIT_MS
        self._left -= is_in_time
        turn.set_result(is_in_time)

    async def wait(self, turn: asyncio.Future[bool]) -> None:
        """Return when it is the call's turn.

        Raises:
            Shed: it has waited too long.
        """
        try:
            is_in_time = await turn
        except asyncio.CancelledError:
            turn.cancel()  # else a client that is gone takes a place in the turn
            raise
        if not is_in_time:
            self.shed += 1
            raise Shed(Kind.THROTTLED)

    def refuse_late(self, request: HttpRequest) -> None:
        """Return if the client still waits for the answer.

        Raises:
            Shed: its deadline has passed.
        """
        told = request.headers.get(b"amz-sdk-request")
        if told is None or b"ttl=" not in told:
            return
        stamp = told.partition(b"ttl=")[2][:16].decode("latin-1")
        # Stamps of one form sort as their times do; another form has no deadline.
        if len(stamp) == 16 and stamp[8] == "T" and stamp < stamp_of(self._clock.now_ms()):
            self.late += 1
            raise Shed(Kind.LATE)
