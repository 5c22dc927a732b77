"""What webhooks tell Prometheus."""

from prometheus_client import Counter, Histogram

from midstage.kit.observability import REGISTRY

ATTEMPTS = Counter("midstage_webhook_attempts", "Requests to webhooks, by outcome.", ("outcome",), registry=REGISTRY)
SECONDS = Histogram(
    "midstage_webhook_seconds",
    "How long webhooks took to answer.",
    buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
    registry=REGISTRY,
)
DISABLED = Counter("midstage_webhooks_disabled", "Webhooks that were disabled, by reason.", ("why",), registry=REGISTRY)
