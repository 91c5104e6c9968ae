"""What clients know of messages, and what queues have promised about them.

The ledger is told of every call and refuses an answer that breaks a promise, at once. A call has a
spell: the moment at which it took effect lies in it, by the loop's time and by the wall clock's.
So whatever is refused cannot be, wherever in their spells the calls took effect.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from virtual_time import Spell

DEDUP_MS = 5 * 60 * 1000


@dataclass(frozen=True)
class Facts:
    """What a queue was made with."""

    name: str
    is_fifo: bool = False
    visibility_s: int = 3
    delay_s: int = 0
    retention_s: int = 345_600
    receives_max: int = 0
    dead_letters: str = ""


@dataclass(eq=False)
class Send:
    """One try to send a message.

    Attributes:
        spell: of the call.
        since: from its beginning on.
        due_ms: the message is not received before.
        id: of the message; empty where nobody was told.
        sequence: FIFO: its number; 0 where nobody was told.
    """

    spell: Spell
    since: Spell
    due_ms: int
    id: str = ""
    sequence: int = 0


@dataclass(eq=False)
class Hold:
    """One receive of a message.

    Attributes:
        queue: where.
        spell: of the call.
        since: from its beginning on.
        hidden_ms: nobody else receives it before.
        handle: of the receive.
        id: of the message.
        count: its receive count.
        deleting: the try to delete it by this handle, if there was one.
    """

    queue: Facts
    spell: Spell
    since: Spell
    hidden_ms: int
    handle: str
    id: str
    count: int
    deleting: Spell | None = None

    def may_have_ended(self) -> bool:
        """Tell whether the message may have been visible again since."""
        return self.since.so_far().high_ms >= self.hidden_ms

    def excludes(self, other: Hold) -> bool:
        """Tell whether both cannot have been, in whichever order the calls took effect."""
        before = self.may_have_ended()
        after = not self.spell.is_before(other.spell) and other.may_have_ended()
        return not (before or after)


@dataclass(eq=False)
class Letter:
    """A message as its sender and its receivers know it.

    Attributes:
        body: no other has it.
        queue: that it is sent to.
        group: of a FIFO queue.
        number: in its group.
        sends: every try.
        holds: every receive, in the order of the answers.
        gone: message id → the call that has deleted it for sure.
        is_buried: it was seen in a dead-letter queue, or came back from there.
    """

    body: str
    queue: Facts
    group: str
    number: int
    sends: list[Send] = field(default_factory=list)
    holds: list[Hold] = field(default_factory=list)
    gone: dict[str, Spell] = field(default_factory=dict)
    is_buried: bool = False

    @property
    def is_acknowledged(self) -> bool:
        return any(send.id for send in self.sends)

    @property
    def was_deleted(self) -> bool:
        """Whether somebody tried to delete it."""
        return any(hold.deleting for hold in self.holds)

    def may_have_twins(self) -> bool:
        """Tell whether a FIFO queue may have forgotten it before it was sent again."""
        first = self.sends[0]
        return first.since.so_far().high_ms >= first.spell.low_ms + DEDUP_MS

    def may_be_too_old(self) -> bool:
        first = self.sends[0]
        age_ms = first.since.so_far().high_ms - first.spell.low_ms
        return age_ms > self.queue.retention_s * 1000


class Ledger:
    """Everything that is known of the messages of some queues."""

    def __init__(self) -> None:
        self.letters: dict[str, Letter] = {}
        self._groups: dict[tuple[str, str], list[Letter]] = defaultdict(list)
        self._purges: dict[str, list[tuple[Spell, bool]]] = defaultdict(list)
        self._skipped: list[tuple[Letter, Letter]] = []
        self._has_moved = False
        self._cut_off: set[str] = set()

    # --- sending

    def letter(self, queue: Facts, group: str, number: int) -> Letter:
        """Return a new message, which is about to be sent."""
        letter = Letter(f"{queue.name}/{group}/{number}", queue, group, number)
        self.letters[letter.body] = letter
        self._groups[queue.name, group].append(letter)
        return letter

    def sent(self, letter: Letter, send: Send, told: dict[str, Any] | None) -> None:
        """Note a try to send; ``told`` is None where nobody was told what became of it."""
        letter.sends.append(send)
        if told is None:
            return
        send.id, send.sequence = told["MessageId"], int(told.get("SequenceNumber", 0))
        if letter.queue.is_fifo:
            self._refuse_twins(letter)
            self._refuse_disorder(letter, send)

    def _refuse_twins(self, letter: Letter) -> None:
        """What is sent again within five minutes is the same message."""
        if not letter.may_have_twins():
            ids = {send.id for send in letter.sends if send.id}
            assert len(ids) == 1, f"{letter.body} was taken twice"

    def _refuse_disorder(self, letter: Letter, send: Send) -> None:
        """Numbers grow with time."""
        for other in self._sends_of(letter.queue):
            if other.id and other.id != send.id and other.spell.is_before(letter.sends[0].spell):
                assert other.sequence < send.sequence, f"{letter.body} has an old number"

    def _sends_of(self, queue: Facts) -> Iterator[Send]:
        for letter in self.letters.values():
            if letter.queue is queue:
                yield from letter.sends

    # --- receiving

    def received(self, spell: Spell, holds: list[tuple[str, Hold]]) -> None:
        """Note what a receive returned: bodies and holds, in their order."""
        for place, (body, hold) in enumerate(holds):
            letter = self.letters[body]
            self._refuse_what_cannot_be(letter, hold)
            if hold.queue.is_fifo:
                before = [self.letters[other] for other, _ in holds[:place]]
                self._refuse_overtaking(letter, hold, before)
            letter.holds.append(hold)

    def cut_off(self, queue: Facts) -> None:
        """Note that a receive may have taken messages of which nobody was told."""
        self._cut_off.add(queue.name)

    def _refuse_what_cannot_be(self, letter: Letter, hold: Hold) -> None:
        body, spell = letter.body, hold.spell
        assert letter.sends, f"{body} was never sent"
        due_ms = min(send.due_ms for send in letter.sends)
        latest_ms = letter.sends[0].since.so_far().high_ms
        assert latest_ms >= due_ms, f"{body} came before its delay was over"
        gone = letter.gone.get(hold.id)
        assert gone is None or not gone.is_before(spell), f"{body} came back from the dead"
        assert not self._was_purged(letter, spell), f"{body} came back after a purge"
        for other in letter.holds:
            is_twin = other.id != hold.id and letter.may_have_twins()
            assert is_twin or not other.excludes(hold), f"{body} has two holders"
        self._refuse_count(letter, hold)
        self._note_burial(letter, hold)

    def _refuse_count(self, letter: Letter, hold: Hold) -> None:
        """Receive counts grow by one, and not beyond what the queue allows."""
        known = [other for other in letter.holds if other.id == hold.id]
        for other in known:
            if other.spell.is_before(hold.spell):
                assert other.count < hold.count, f"{letter.body} was counted wrong"
        if not known and not letter.is_buried and hold.queue.name not in self._cut_off:
            assert hold.count == 1 or hold.queue is not letter.queue, f"{letter.body} is not new"
        if hold.queue.receives_max:
            assert hold.count <= hold.queue.receives_max, f"{letter.body} came too often"

    def _note_burial(self, letter: Letter, hold: Hold) -> None:
        """A dead letter is nowhere else, until somebody moves it."""
        if hold.queue is not letter.queue:
            assert hold.queue.name == letter.queue.dead_letters, f"{letter.body} went astray"
            letter.is_buried = True
        elif not self._has_moved:
            for other in letter.holds:
                is_dead = other.queue is not letter.queue and other.spell.is_before(hold.spell)
                assert not is_dead, f"{letter.body} rose from the dead"
        elif hold.id not in (ids := {send.id for send in letter.sends if send.id}) and ids:
            letter.is_buried = True

    def _was_purged(self, letter: Letter, spell: Spell) -> bool:
        return any(
            is_sure
            and purge.is_before(spell)
            and all(s.spell.is_before(purge) for s in letter.sends)
            for purge, is_sure in self._purges[letter.queue.name]
        )

    def may_be_purged(self, letter: Letter) -> bool:
        """Tell whether a purge may have taken a message."""
        purges = self._purges[letter.queue.name]
        return any(not purge.is_before(letter.sends[0].spell) for purge, _ in purges)

    # --- FIFO

    def _refuse_overtaking(self, letter: Letter, hold: Hold, before: list[Letter]) -> None:
        """A group gives nothing while one of its messages is in flight, and in order."""
        for other in self._groups[letter.queue.name, letter.group]:
            if other is letter:
                continue
            for held in other.holds:
                is_free = held.deleting or held.queue is not hold.queue or held.spell is hold.spell
                is_free = is_free or self.may_be_purged(other)
                both = f"{other.body} and {letter.body}"
                assert is_free or not held.excludes(hold), f"{both} are held at once"
            if other.number < letter.number and other not in before:
                self._refuse_late(other, letter, hold)

    def _refuse_late(self, early: Letter, late: Letter, hold: Hold) -> None:
        """What was sent earlier comes earlier, unless it is gone."""
        if early.is_acknowledged and hold.queue is late.queue and not late.is_buried:
            is_out = early.was_deleted or early.may_be_too_old() or self.may_be_purged(early)
            if not is_out:
                self._skipped.append((early, late))

    # --- deleting, moving

    def deleted(self, body: str, hold: Hold) -> None:
        """Note that a delete of a message in flight was acknowledged."""
        if not hold.may_have_ended():
            assert hold.deleting is not None, "it was tried"
            self.letters[body].gone[hold.id] = hold.deleting

    def purged(self, queue: Facts, spell: Spell, *, is_sure: bool) -> None:
        """Note a purge, or that there may have been one."""
        self._purges[queue.name].append((spell, is_sure))

    def moved(self) -> None:
        """Note that from now on dead letters may go back."""
        self._has_moved = True

    # --- in the end

    def check(self) -> None:
        """Nothing acknowledged is lost: all was received, once everybody has had their time."""
        for letter in self.letters.values():
            if letter.is_acknowledged and not letter.was_deleted:
                is_out = letter.may_be_too_old() or self.may_be_purged(letter)
                assert is_out, f"{letter.body} is lost"
        for early, late in self._skipped:
            assert early.is_buried, f"{late.body} overtook {early.body}"
