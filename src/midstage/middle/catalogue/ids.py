"""The ids of the catalogue."""

from typing import NewType
from uuid import UUID

ProductId = NewType("ProductId", UUID)
SkuId = NewType("SkuId", UUID)
CategoryId = NewType("CategoryId", UUID)
