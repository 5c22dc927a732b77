"""What the fact log tells Prometheus."""

from prometheus_client import Counter, Gauge

NUMBERED = Counter("midstage_facts_numbered_total", "Facts that got their number")
DELIVERED = Counter("midstage_facts_delivered_total", "Facts delivered", ["subscriber"])
ASIDE = Counter("midstage_facts_failed_total", "Deliveries that failed and were put aside", ["subscriber"])
FAILURES = Counter("midstage_fact_loop_failures_total", "Outages that a loop waited out", ["loop", "error"])
LAG = Gauge("midstage_subscriber_lag_facts", "Facts not delivered yet", ["subscriber", "brand"])
