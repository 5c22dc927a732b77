"""What all fronts share: who is calling, in which transaction, and how an answer or a refusal is put."""
