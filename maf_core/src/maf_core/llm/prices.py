"""What a model costs: as the settings say, else the table that comes with pydantic-ai, else nothing on own machines."""

from __future__ import annotations

import ipaddress
import math
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from maf_core.llm.ledger import Price

if TYPE_CHECKING:
    from pydantic_ai.models import Model

    from maf_core.llm.base import ModelChoice
    from maf_core.settings import LLMSettings

_MILLION = 1_000_000
# A daemon passes these on to its maker's machines.
_CLOUD = ("-cloud", ":cloud")


def price_of(choice: ModelChoice, model: Model, settings: LLMSettings, tokens_in: int, tokens_out: int) -> Price | None:
    """What a token of this model costs in a call of this size; None when nobody knows.

    `llm.prices` has it under "provider:name" or under the name alone.
    """
    told = settings.prices.get(str(choice)) or settings.prices.get(choice.name)
    if told is not None:
        return _price(told.input, told.output)
    return _listed(model, tokens_in, tokens_out) or (Price() if is_local(model.base_url, choice.name) else None)


def is_local(url: str | None, name: str) -> bool:
    """Whether the model runs on a machine of this network: nobody sends a bill for it."""
    host = urlsplit(url or "").hostname
    if not host or name.endswith(_CLOUD):
        return False
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return "." not in host or host.endswith((".local", ".internal", ".localhost"))


def _listed(model: Model, tokens_in: int, tokens_out: int) -> Price | None:
    """From the table that comes with pydantic-ai; some models cost more by the token in larger calls."""
    from genai_prices import Usage, calc_price

    usage = Usage(input_tokens=max(1, tokens_in), output_tokens=max(1, tokens_out))
    where = {"provider_api_url": model.base_url} if model.base_url else {"provider_id": model.system}
    try:
        cost = calc_price(usage, model.model_name, **where)  # type: ignore[call-overload]
    except LookupError:
        return None
    return _price(
        float(cost.input_price) * _MILLION / max(1, tokens_in), float(cost.output_price) * _MILLION / max(1, tokens_out)
    )


def _price(usd_in: float, usd_out: float) -> Price:
    """From USD per million tokens. Rounded up: a budget must not be a fraction short."""
    return Price(*(math.ceil(round(usd * _MILLION, 3)) for usd in (usd_in, usd_out)))
