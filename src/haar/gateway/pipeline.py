"""The steps of a request, from its bytes to the answer's: read this first.

====  =================  ==========================================  =============================
step  question           where                                       what comes out
====  =================  ==========================================  =============================
0     meant for us?      :mod:`haar.gateway.guard`                   host and page are known
1     room for it?       :mod:`haar.gateway.admission`               admitted, or throttled
2     which operation?   :mod:`haar.wire.route`                      ``Routed``
3     who asks?          :mod:`haar.identity.sigv4`                  ``Authenticated``
4     is it there?       :mod:`haar.gateway.dispatch`                ``Operation``, or 501 by name
5     which members?     :mod:`haar.wire.protocols`                  members, checked by the model
6     may they?          :mod:`haar.identity.policy.evaluate`        a ``Call``, or AccessDenied
7     do it              :mod:`haar.gateway.dispatch` → the service  result, durable
8     answer             the codec of step 5, backwards              ``HttpResponse``
9     record             :mod:`haar.gateway.audit`                   one record
====  =================  ==========================================  =============================

:meth:`Pipeline._answer` is the table from step 2 on as one function. It is a coroutine that the
server drives without a task; what needs a task of its own (long polls, streams) is given one in
step 7.
"""

from __future__ import annotations

import asyncio

from haar.gateway import admin, browser_uploads
from haar.gateway.admin import Admin
from haar.gateway.admission import LANES_MAX, Admission, Lane, Shed
from haar.gateway.audit import Audit, Record
from haar.gateway.bodies import Hold, body_of, read_whole, unframed
from haar.gateway.counted import CountedStore
from haar.gateway.dispatch import RequestIds, refuse_unknown_members, run
from haar.gateway.guard import Guard, open_to, preflight
from haar.gateway.local import LocalCloud, action_of, permits_of, resources_of, roles_of
from haar.gateway.probes import PREFIXES, Probes, json_page
from haar.identity import post_policy
from haar.identity.policy.evaluate import authorize, refuse_foreign_roles
from haar.identity.refusals import Family, Kind, refuse
from haar.identity.remembered import Remembered
from haar.identity.sigv4 import Authenticated, Verifier
from haar.kernel.errors import ApiError, InternalFailure, RefusedAs
from haar.kernel.logs import Log
from haar.kit.call import Call, Members
from haar.kit.operation import Operation
from haar.store.api import StoreStopped
from haar.wire.http import HttpRequest, HttpResponse
from haar.wire.intake import Unacceptable
from haar.wire.multipart import is_form, read_form
from haar.wire.protocols import Codec, Codecs
from haar.wire.refusals import s3_ids, throttling
from haar.wire.room import NoRoom, Room
from haar.wire.route import Routed, Router, is_unread_form

ENDPOINTS_MAX = 1024
CLIENT_GONE = "ClientGone"

log = Log()

FAMILIES: dict[str, Family] = {
    "json-1.0": "json",
    "json-1.1": "json",
    "rest-json": "rest-json",
    "rest-xml": "rest-xml",
    "query": "query",
    "ec2": "ec2",
}


class Stopping(ApiError):
    """The store has stopped; a client tries again, and finds haar started anew."""

    code = "ServiceUnavailable"
    message = "haar is stopping."
    status = 503


class Trace:
    """What is known of a request so far: the audit record is made from it, however far it came."""

    __slots__ = (
        "call",
        "code",
        "endpoint",
        "hold",
        "lane",
        "operation",
        "peer",
        "request_id",
        "routed",
        "started_ms",
        "who",
    )

    def __init__(
        self, request_id: str, peer: str, started_ms: float, lane: Lane, endpoint: str
    ) -> None:
        self.request_id = request_id
        self.endpoint = endpoint
        self.lane = lane
        self.hold: Hold | None = None
        self.peer = peer
        self.started_ms = started_ms
        self.routed: Routed | None = None
        self.who: Authenticated | None = None
        self.call: Call[Members] | None = None
        self.code = ""
        self.operation = ""  # of haar's own administration

    def record(self, now_ms: int, took_ms: float) -> Record:
        """Return the audit record."""
        call, who, routed = self.call, self.who, self.routed
        return Record(
            now_ms,
            self.request_id,
            who.principal.arn if who else "",
            who.principal.access_key_id if who else "",
            self.peer,
            routed.service if routed else admin.SERVICE if self.operation else "",
            routed.operation if routed else self.operation,
            call.resources if call else (),
            who.scope.region if who else "",
            self.code,
            took_ms,
        )


class Pipeline:
    """Answers requests.

    Args:
        router: names the operation of a request.
        codecs: translate between bytes and members.
        verifier: tells who signed.
        cloud: runs operations.
        guard: knows the host names that are haar's, and the pages that may speak to it.
        admission: gives calls their turn.
        audit: keeps a record of each call.
        probes: answer ``/_haar/…``, which is nobody's API.
        admin: answers ``/_haar/admin/…``, which is haar's command line's.
        room: for the bodies of all calls.
    """

    def __init__(  # noqa: PLR0913  # a request passes by all of them
        self,
        *,
        router: Router,
        codecs: Codecs,
        verifier: Verifier,
        cloud: LocalCloud,
        guard: Guard,
        admission: Admission,
        audit: Audit,
        probes: Probes,
        admin: Admin,
        room: Room,
    ) -> None:
        self._router = router
        self._codecs = codecs
        self._verifier = verifier
        self._cloud = cloud
        self._guard = guard
        self._admission = admission
        self._room = room
        self._audit = audit
        self._probes = probes
        self._admin = admin
        self._ids = RequestIds(cloud.entropy)
        self._actions: dict[int, str] = {}
        self._clouds: Remembered[Lane, LocalCloud] = Remembered(LANES_MAX)
        self._endpoints: Remembered[bytes, str] = Remembered(ENDPOINTS_MAX)

    async def handle(self, request: HttpRequest) -> HttpResponse:
        """Return the answer to a request, once whatever it acknowledges is durable."""
        trace = Trace(
            self._ids.make(),
            request.peer,
            self._cloud.clock.monotonic_ms(),
            self._admission.lane_of(request),
            self._endpoint_of(request),
        )
        try:
            page = self._guard.admit(request)
        except ApiError as refusal:
            return self._turn_away(request, refusal, trace)
        if request.path.startswith(PREFIXES) and not is_admin(request):
            response = self._probes.answer(request)
        elif page is not None and self._guard.is_preflight(request):
            response = preflight(request)
        else:
            response = await self._in_turn(request, trace)
        return response if page is None else open_to(page, response)

    def _endpoint_of(self, request: HttpRequest) -> str:
        """Return the URL that the client spoke to, for URLs in answers."""
        host = request.headers.get(b"host")
        if not host:
            return self._cloud.endpoint
        known = self._endpoints.get(host)
        if known is None:
            url = f"http{'s' * request.is_tls}://{host.decode('latin-1')}"
            known = self._endpoints.keep(host, url)
        return known

    def _turn_away(self, request: HttpRequest, refusal: ApiError, trace: Trace) -> HttpResponse:
        """Answer what is not let in."""
        response = self._refuse(request, refusal, trace)
        self._keep(trace)
        return response

    async def _in_turn(self, request: HttpRequest, trace: Trace) -> HttpResponse:
        admission, lane = self._admission, trace.lane
        try:
            turn = admission.enter(lane)
        except Shed as refusal:
            return self._turn_away(request, refusal, trace)
        try:
            if turn is not None:
                await admission.wait(turn)
            admission.refuse_late(request)
            answer = self._administer if is_admin(request) else self._answer
            return await answer(request, trace)
        except ApiError as refusal:
            return self._refuse(request, refusal, trace)
        except asyncio.CancelledError:  # what had begun may have happened, or not
            trace.code = CLIENT_GONE
            raise
        except StoreStopped:  # whoever ends the process tells why, once
            return self._refuse(request, Stopping(), trace)
        except Exception:  # the supervisor of requests: a bug of ours must not end the server
            log.exception("call failed", request_id=trace.request_id)
            return self._refuse(request, InternalFailure(), trace)
        finally:
            admission.leave(lane)
            if trace.hold is not None:
                trace.hold.free()
            self._keep(trace)

    def _keep(self, trace: Trace) -> None:
        """Keep the call's record."""
        clock = self._cloud.clock
        took_ms = clock.monotonic_ms() - trace.started_ms
        self._audit.record(trace.record(clock.now_ms(), took_ms))

    def refuse(self, request: HttpRequest, error: Unacceptable | NoRoom) -> HttpResponse:
        """Return the answer to what never became a request, in the protocol that it began in."""
        if isinstance(error, NoRoom):
            refusal = self._worded(Kind.THROTTLED, request)
        else:
            refusal = RefusedAs(error.code, str(error), status=error.status)
        return self._codecs.fallback(request).refuse(refusal, self._ids.make(), request)

    async def _answer(self, request: HttpRequest, trace: Trace) -> HttpResponse:
        if b"+" in request.query:  # signed as itself, so nobody may read it as a blank
            request.query = request.query.replace(b"+", b"%2B")
        if request.method == "POST" and is_form(request):
            return await self._answer_form(request, trace)
        if is_unread_form(request):
            protocol = self._router.guess(request).protocol
            await self._gather(request, trace, FAMILIES.get(protocol, "json"))
        trace.routed = routed = self._router.route(request)
        codec = self._codecs.of(routed)
        family = FAMILIES.get(routed.protocol, "json")
        if not codec.wants_stream and not isinstance(request.body, bytes):
            await self._gather(request, trace, family)
        assert codec.operation is not None, "a routed request has its operation"
        if codec.operation.authtype == "none":  # who needs no signature is told of the 501 at once
            self._cloud.registry.find(routed.service, routed.model, routed.operation)
        try:
            trace.who = who = self._verifier.verify(
                request, service=codec.signing_name, family=family, bucket=routed.bucket
            )
        except ApiError:
            codec.refuse_unreadable(request)
            raise
        if self._admission.is_stranger(trace.lane):
            self._admission.learn(request, who.scope.account)
        operation = self._cloud.registry.find(routed.service, routed.model, routed.operation)
        body = body_of(request, who)
        if not (codec.wants_stream or isinstance(body, bytes)):
            body = await unframed(request, body)
        members = codec.decode(request, body, routed)
        call = self._open(routed, operation, members, who, trace)
        result = await run(operation, call, self._cloud_of(trace.lane))
        return codec.encode(result, trace.request_id)

    async def _gather(self, request: HttpRequest, trace: Trace, family: Family) -> None:
        """Read a long body, of somebody whose key and time are right, into memory."""
        self._verifier.refuse_early(request, family)
        trace.hold = Hold(self._room)
        await read_whole(request, trace.hold)

    def _cloud_of(self, lane: Lane) -> LocalCloud:
        """Return the cloud in which the writes of a lane count."""
        known = self._clouds.get(lane)
        if known is None:
            counted = CountedStore(self._cloud.store, self._admission, lane)
            known = self._clouds.keep(lane, self._cloud.over(counted))
        return known

    async def _administer(self, request: HttpRequest, trace: Trace) -> HttpResponse:
        trace.operation = self._admin.operation_of(request)
        if not isinstance(request.body, bytes):
            await self._gather(request, trace, "json")
        trace.who = self._admin.verify(request)
        return json_page(200, await self._admin.act(request))

    async def _answer_form(self, request: HttpRequest, trace: Trace) -> HttpResponse:
        """Answer a browser's upload: the same steps, but members and proof are in a form."""
        form = await read_form(request)
        fields = browser_uploads.fields_of(form)
        put = browser_uploads.put_of(request, fields)
        trace.routed = routed = self._router.route(put)
        codec, bucket = self._codecs.of(routed), routed.labels["Bucket"]
        trace.who = who = self._verifier.verify_form(fields)
        policy = post_policy.read(fields["policy"])
        post_policy.check(policy, {**fields, "bucket": bucket}, self._verifier.now_ms())
        operation = self._cloud.registry.find(routed.service, routed.model, routed.operation)
        file = browser_uploads.within(form.file, policy.sizes)
        members = codec.decode(put, file, routed)
        call = self._open(routed, operation, members, who, trace)
        result = await run(operation, call, self._cloud_of(trace.lane))
        place = trace.endpoint + put.path.decode("latin-1")
        ids = s3_ids(trace.request_id)
        return browser_uploads.answer_of(fields, result, bucket, place, ids)

    def _open(
        self,
        routed: Routed,
        operation: Operation,
        members: Members,
        who: Authenticated,
        trace: Trace,
    ) -> Call[Members]:
        """Return the call, if the caller may make it."""
        refuse_unknown_members(operation, members)
        trace.call = call = Call(
            routed.service,
            operation.name,
            members,
            who.principal,
            who.scope,
            resources_of(operation, members, who.scope),
            trace.request_id,
            self._cloud.clock.now_ms(),
            self._cloud.entropy,
            trace.endpoint,
        )
        family = FAMILIES.get(routed.protocol, "json")
        if operation.actions is None:
            authorize(call.principal, self._action(routed, operation), call.resources, family)
        else:
            for action, resources in permits_of(self._cloud.registry, operation, call):
                authorize(call.principal, action, resources, family)
        if operation.roles:
            refuse_foreign_roles(call.principal, roles_of(operation, members), family)
        return call

    def _action(self, routed: Routed, operation: Operation) -> str:
        # Operations live as long as the process, so that their identity is a key.
        action = self._actions.get(id(operation))
        if action is None:
            action = action_of(self._cloud.registry, routed.service, operation)
            self._actions[id(operation)] = action
        return action

    def _refuse(self, request: HttpRequest, refusal: ApiError, trace: Trace) -> HttpResponse:
        if isinstance(refusal, Shed | NoRoom):
            kind = refusal.kind if isinstance(refusal, Shed) else Kind.THROTTLED
            refusal = self._worded(kind, request)
        trace.code = refusal.code
        if is_admin(request):
            return json_page(refusal.status, {"code": refusal.code, "message": refusal.text})
        codec = self._codec_for_refusal(request, trace.routed)
        return codec.refuse(refusal, trace.request_id, request)

    def _worded(self, kind: Kind, request: HttpRequest) -> RefusedAs:
        """Return a refusal of a call that got no further than its head."""
        guess = self._router.guess(request)
        worded = refuse(kind, FAMILIES.get(guess.protocol, "json"))
        return throttling(guess.model, worded) if kind is Kind.THROTTLED else worded

    def _codec_for_refusal(self, request: HttpRequest, routed: Routed | None) -> Codec:
        if routed is not None:
            return self._codecs.of(routed)
        return self._codecs.fallback(request)


def is_admin(request: HttpRequest) -> bool:
    """Whether haar's own command line asks."""
    return request.path.startswith(admin.PREFIX)
