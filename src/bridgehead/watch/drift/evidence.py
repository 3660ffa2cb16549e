"""Whether an effect can be chance, where the question is not "any difference" but "one that matters".

The null is a *minimum effect*: the true effect is at most half of what is relevant. p-values are bounds
(union over the edges, bounded differences, Chernoff), so that their errors are on the quiet side. Many
columns: Benjamini and Hochberg (1995). Over batches: an e-process, the product of calibrated p-values
(Vovk and Wang, 2021), started anew whenever it falls below 1, so that a quiet year does not delay a
finding: an e-detector (Shin, Ramdas, Rinaldo, 2022), whose mean time to a false alarm is at least
1/alpha batches.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import NormalDist

from bridgehead.watch.drift.effects import Effect

_NORMAL = NormalDist()
LOG_SMALLEST = -700.0


def p_value(effect: Effect, n: int, m: int, *, half: float, bins: int) -> float:
    """Return a bound of the probability of such an effect where the true one is at most ``half``.

    ``n`` rows are compared with ``m``; ``half`` is half of the relevant size, ``bins`` how many are used.
    """
    if effect.measure == "psi":
        return _psi_tail(effect.size, half, n, m, bins)
    if effect.measure == "ks":
        away = (effect.size - half) / (0.5 * math.sqrt(1 / n + 1 / m))
        return min(1.0, 2 * max(bins - 1, 1) * _above(away))
    if effect.measure == "tv":
        beyond = max(0.0, effect.size - half - effect.floor)
        return math.exp(max(LOG_SMALLEST, -2 * beyond**2 / (1 / n + 1 / m)))
    allowed = (
        effect.before + half + 2 * math.sqrt(max(effect.before, 1 / m) / m) * (effect.measure == "null_rate")
    )
    return _chernoff(effect.now, allowed, n)


def rejected(p_values: Mapping[str, float], q: float) -> frozenset[str]:
    """Return what Benjamini and Hochberg reject at a false discovery rate of ``q``."""
    ordered = sorted(p_values, key=lambda name: (p_values[name], name))
    last = max((k for k, name in enumerate(ordered, 1) if p_values[name] <= q * k / len(ordered)), default=0)
    return frozenset(ordered[:last])


def e_rejected(log_e: Mapping[str, float], q: float) -> frozenset[str]:
    """Return what e-BH rejects: the k largest where the k-th is at least m/(k q). Holds under dependence."""
    ordered = sorted(log_e, key=lambda name: (-log_e[name], name))
    m = len(ordered)
    last = max((k for k, name in enumerate(ordered, 1) if log_e[name] >= math.log(m / (k * q))), default=0)
    return frozenset(ordered[:last])


def log_e_value(p: float) -> float:
    """Return the logarithm of the e-value of a p-value: 1/(2 sqrt(p)), whose mean is 1 where p is uniform."""
    return math.log(0.5) - 0.5 * max(LOG_SMALLEST, math.log(max(p, 5e-324)))


def combined(p_values: Sequence[float]) -> float:
    """Return one p-value for several measures of the same column (Bonferroni)."""
    return min(1.0, len(p_values) * min(p_values)) if p_values else 1.0


def _psi_tail(size: float, half: float, n: int, m: int, bins: int) -> float:
    """Return the tail of a noncentral chi-square: Patnaik (1949), Wilson and Hilferty (1931)."""
    weight = n * m / (n + m)
    freedom, away = max(bins - 1, 1), half * weight
    scale = (freedom + 2 * away) / (freedom + away)
    shape = (freedom + away) ** 2 / (freedom + 2 * away)
    ratio = max(size * weight, 0.0) / scale / shape
    spread = 2 / (9 * shape)
    return _above((ratio ** (1 / 3) - (1 - spread)) / math.sqrt(spread))


def _chernoff(share: float, allowed: float, n: int) -> float:
    """Return a bound of the probability of so large a share of ``n`` where ``allowed`` is the true one."""
    if share <= allowed or allowed >= 1:
        return 1.0
    rest = (1 - share) * math.log((1 - share) / (1 - allowed)) if share < 1 else 0.0
    return math.exp(max(LOG_SMALLEST, -n * (share * math.log(share / max(allowed, 1e-12)) + rest)))


def _above(z: float) -> float:
    return _NORMAL.cdf(-z)
