"""Log-probabilities that stay exact where a token is all but certain.

The usual log-softmax subtracts two numbers of the size of the logits, so it knows a log-probability to about
a millionth of a nat. A token that copies an earlier one has −0.00000001 nats, and what removing a region does
to it is smaller still; rounded, every effect on it would be nothing. Summing the *other* tokens alone loses
no digits: log p = −log(1 + Σ exp(other − own)). Imports torch.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def log_softmax(logits: Tensor) -> Tensor:
    """Log-probabilities over the last axis, nats; exact for the likeliest token too.

    Args:
        logits: float32 [..., vocabulary], at least 2 tokens.
    """
    likeliest = logits.argmax(-1, keepdim=True)
    own = log_prob_of(logits, likeliest[..., 0])
    return torch.log_softmax(logits, -1).scatter(-1, likeliest, own.unsqueeze(-1))


def log_prob_of(logits: Tensor, token_ids: Tensor) -> Tensor:
    """Log-probability of one token in each row, nats: [...], from logits [..., vocabulary] and ids [...]."""
    chosen = token_ids.unsqueeze(-1)
    others = logits.scatter(-1, chosen, -torch.inf).logsumexp(-1)
    return -functional.softplus(others - logits.gather(-1, chosen)[..., 0])


def share_of_others(log_probs: Tensor, token_ids: Tensor) -> Tensor:
    """How likely each other token would be if the one of each row could not be: [n, vocabulary].

    Rows sum to 1. The gradient of the log-odds of a token at the logits is 1 for itself, less these shares;
    that of its log-probability is 1 − p times as large.
    """
    return log_probs.scatter(-1, token_ids.unsqueeze(-1), -torch.inf).softmax(-1)
