"""What a listener asks for: how many songs, how varied, and how the engine is asked for it."""

from dataclasses import astuple, dataclass
from typing import Any

from recommendations.conf import conf
from recommendations.engine import ContractTerms, Recommender
from recommendations.services.experiments import lifecycle
from recommendations.services.lists import list_rules
from recommendations.services.lists.listener_context import ListenerContext

AS_CONFIGURED = 0.5
"""The middle of the discovery scale: as varied as the model's configuration says."""


MOST_VARIED = 0.8
"""What the far end means to the engine; at 1.0 a list would no longer be about the listener."""


@dataclass(frozen=True)
class SongRequest:
    """A request for a list: for whom, how many songs, and by which settings."""

    listener: Any
    n: int
    discovery: float
    context: ListenerContext
    is_ordinary: bool
    relevance: float | None = None
    terms: ContractTerms | None = None

    @property
    def settings(self) -> dict[str, Any]:
        varied = {"discovery": self.discovery, "relevance": self.relevance}
        kept = {} if self.terms is None else {"terms": astuple(self.terms)}
        return {"n": self.n, "personalised": self.listener.personalised} | varied | kept


def make_request(
    listener: Any,
    n: int | None,
    discovery: float | None,
    treatment: lifecycle.Treatment,
    context: ListenerContext,
) -> SongRequest:
    """Build the request; what the listener set comes before what an experiment would set for them."""
    n = limit_length(n)
    taste = context.taste if discovery is None else None
    wanted = discovery if discovery is not None else taste.discovery if taste else AS_CONFIGURED
    relevance = None
    if wanted == AS_CONFIGURED:
        wanted = AS_CONFIGURED if treatment.discovery is None else treatment.discovery
        relevance = treatment.relevance
    terms = list_rules.find_terms(context.taste) if listener.personalised else None
    is_usual = wanted == AS_CONFIGURED and relevance is None and terms is None
    ordinary = is_usual and listener.personalised
    return SongRequest(listener, n, wanted, context, ordinary, relevance, terms)


def limit_length(n: int | None) -> int:
    """Return how long a list will at most be when n songs are asked for."""
    if n is None:
        return conf.list_length
    if n < 1:
        raise ValueError(f"A list has at least 1 song; {n} were asked for.")
    return min(n, conf.longest_list)


def convert_discovery(discovery: float, recommender: Recommender) -> float | None:
    """Translate the listener's scale (middle = as configured) into the engine's share of variety."""
    if not 0 <= discovery <= 1:
        raise ValueError(f"Discovery is from 0 (familiar) to 1 (adventurous), not {discovery}.")
    if discovery == AS_CONFIGURED:
        return None
    configured = 1 - recommender.config.relevance
    if discovery < AS_CONFIGURED:
        return configured * discovery / AS_CONFIGURED
    return configured + (max(MOST_VARIED, configured) - configured) * (
        discovery - AS_CONFIGURED
    ) / (1 - AS_CONFIGURED)
