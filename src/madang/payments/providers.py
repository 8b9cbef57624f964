"""The providers that the settings switch on, in the order in which they are offered."""

from collections.abc import Callable

from madang.base.clock import Clock
from madang.chat.ports import PaymentProvider
from madang.payments.answers import Fetches
from madang.payments.rehearsal import Rehearsal
from madang.payments.settings import PaymentSettings
from madang.payments.stripe import Stripe
from madang.payments.toss import Toss


def providers(
    settings: PaymentSettings, outbound: Fetches, clock: Clock, entropy: Callable[[int], bytes]
) -> list[PaymentProvider]:
    """Those with a key, and the rehearsal."""
    found: list[PaymentProvider] = []
    if settings.toss_key.reveal():
        found.append(Toss(outbound, settings))
    if settings.stripe_key.reveal():
        found.append(Stripe(outbound, settings, clock.wall))
    if settings.rehearsal:
        found.append(Rehearsal(entropy))
    return found
