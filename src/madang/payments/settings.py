"""Which payment providers take money, and with which keys."""

from dataclasses import dataclass, field

from madang.base.secret import Secret


@dataclass(frozen=True, slots=True)
class PaymentSettings:
    """Assembled by `app` from the settings file; a provider without its secret key is off."""

    rehearsal: bool = False
    stripe_key: Secret = field(default_factory=lambda: Secret(""))
    stripe_webhook_secret: Secret = field(default_factory=lambda: Secret(""))
    stripe_url: str = "https://api.stripe.com"
    toss_key: Secret = field(default_factory=lambda: Secret(""))
    toss_client_key: str = ""
    toss_url: str = "https://api.tosspayments.com"
    toss_script: str = "https://js.tosspayments.com/v2/standard"
