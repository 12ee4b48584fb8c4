"""Where a snippet differs from how it was first printed, and why; an empty line means that there is none."""

ONE_ORDER = "An order carries everything a bank is told: amount, currency, account and our reference."
PLAIN_NAMES = "The port's calls are awaited; a plain method of the same name would be of another type."
BANK_STATES = "What the bank states is compared with the order, so it is never copied from the order."
CHECKED_FIRST = "The base class checks the signature before the bank's code sees anything of a delivery."
BOTH_SIDES = "The suite also plays the far side: lost answers, refusals and webhooks."

# By snippet: the line as printed, the line as it is, and why.
CHANGED: dict[str, list[tuple[str, str, str]]] = {
    "django_view": [
        (
            "return JsonResponse(invoice.model_dump(mode='json'), status=201)",
            "return JsonResponse(invoice.to_dict(), status=201)",
            "Values are dataclasses of the standard library, not pydantic models: `to_dict` writes them.",
        ),
    ],
    "audit": [
        (
            "print(v.rule, v.message, v.difference)",
            "print(v.rule, v.message, v.difference_micros)",
            "A broken rule may concern no asset, such as a gap in numbers: the difference is whole micros.",
        ),
        (
            "print(entry.seq, entry.at, entry.actor, entry.action)",
            "print(entry.position, entry.recorded_at, entry.actor, entry.action)",
            "A record's place is a position in its stream, and it carries several instants.",
        ),
    ],
    "codes": [
        (
            "code = request.qr()",
            "code = pay.requests.qr(request)",
            "A request is a value and knows no key: the client signs its code.",
        ),
        (
            "invoice.qr('epc')",
            "transfer.qr()",
            "A SEPA code names the enterprise's account, which the library must not know: it is passed in.",
        ),
    ],
    "own_rails": [
        (
            "def _start(self, path: str, req: RailRequest, key: str) -> RailTransfer:",
            "def _start(self, path: str, order: RailOrder, key: str) -> RailTransfer:",
            ONE_ORDER,
        ),
        (
            "body = {'amount': str(req.amount), 'account': req.account_token, "
            "'reference': req.client_reference}",
            "body = {'amount': order.amount.amount_text, 'currency': order.currency, "
            "'account': order.account_token}",
            ONE_ORDER,
        ),
        (
            "return self._read(self.call('POST', path, json=body, idempotency_key=key), req)",
            "return self._read(self.call('POST', path, json={**body, 'reference': order.reference}, "
            "idempotency_key=key))",
            BANK_STATES,
        ),
        (
            "def _read(self, doc: Mapping[str, Any], req: RailRequest | None=None) -> RailTransfer:",
            "def _read(self, found: Mapping[str, Any]) -> RailTransfer:",
            BANK_STATES,
        ),
        (
            "return self.transfer(req, doc, id=doc['id'], status=doc['state'])",
            "return self.transfer('deposit' if found['kind'] == 'collections' else 'withdrawal', "
            "id=found['id'], status=found['state'], amount=self.money(found['amount'], found['currency']), "
            "reference=found['reference'], return_code=found.get('return_code', ''))",
            BANK_STATES,
        ),
        (
            "def initiate_deposit(self, req: RailRequest, *, idempotency_key: str) -> RailTransfer:",
            "def start_deposit(self, order: RailOrder, key: str) -> RailTransfer:",
            PLAIN_NAMES,
        ),
        (
            "return self._start('/collections', req, idempotency_key)",
            "return self._start('/collections', order, key)",
            PLAIN_NAMES,
        ),
        (
            "def initiate_withdrawal(self, req: RailRequest, *, idempotency_key: str) -> RailTransfer:",
            "def start_withdrawal(self, order: RailOrder, key: str) -> RailTransfer:",
            PLAIN_NAMES,
        ),
        (
            "return self._start('/payouts', req, idempotency_key)",
            "return self._start('/payouts', order, key)",
            PLAIN_NAMES,
        ),
        (
            "def get_status(self, ref: RailRef) -> RailTransfer:",
            "def look_up(self, reference: str) -> RailTransfer:",
            PLAIN_NAMES,
        ),
        (
            "return self._read(self.call('GET', f'/transfers/{ref.id}'))",
            "return self._read(self.call('GET', f'/transfers/{reference}'))",
            "An order is asked for by our reference: an answer that got lost told no other id.",
        ),
        (
            "def parse_webhook(self, raw_body: bytes, headers: Mapping[str, str], *, received_at: datetime) "
            "-> list[RailEvent]:",
            "def read_webhook(self, document: Any) -> list[RailEvent]:",
            CHECKED_FIRST,
        ),
        ("self.verify_hmac(raw_body, headers.get('x-signature'))", "", CHECKED_FIRST),
        ("doc = json.loads(raw_body)", "", CHECKED_FIRST),
        (
            "return [RailEvent(event_id=doc['event'], transfer=self._read(doc['transfer']))]",
            "return [self.event(document['event'], self._read(document['transfer']))]",
            "The base class knows when a delivery came and that its signature was right.",
        ),
    ],
    "frozen_clock": [
        (
            "def make_provider(self) -> RailsProvider:",
            "def make_bench(self, host: Host) -> RailsBench:",
            BOTH_SIDES,
        ),
        (
            "return AcmeBank(key='test', base_url='http://127.0.0.1:8099')",
            "return RailsBench(bank.rails(), bank, order)",
            BOTH_SIDES,
        ),
    ],
}
