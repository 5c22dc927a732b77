"""What the fact log tells Prometheus, beside what observability already has."""

from prometheus_client import Counter

from midstage.kit.observability import FACTS_ASIDE, FACTS_DELIVERED, REGISTRY, SUBSCRIBER_LAG

NUMBERED = Counter("midstage_facts_numbered", "Facts that got their number.", registry=REGISTRY)
FAILED = Counter(
    "midstage_facts_failed", "Deliveries that failed and were put aside.", ("subscriber",), registry=REGISTRY
)
OUTAGES = Counter("midstage_fact_outages", "Outages that a loop waited out.", ("loop", "error"), registry=REGISTRY)
DELIVERED = FACTS_DELIVERED
LAG = SUBSCRIBER_LAG
ASIDE = FACTS_ASIDE
