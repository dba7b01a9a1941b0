"""What lies beside a calibrated estimator: what it is, what it was fitted on, how it did."""

from __future__ import annotations

from typing import Any


def card_of(result: dict[str, Any]) -> str:
    """A model card, Markdown, from the notes of a calibration (see ``app/calibrating.py``)."""
    before, after = result["before"]["lds_steps"], result["after"]["lds_steps"]
    was = "before" if result["before"]["calibrated"] else "uncalibrated attention before"
    rows = "\n".join(
        f"| {one['screens']} | {_figure(one['lds_steps'])} | {_figure(one['lds_tokens'])} |"
        for one in result["passes"]
    )
    return f"""# Estimator for {result["thinker"]}

Estimates, from the attention of this thinking model, what removing each region of a screenshot would do to
each token, in nats. Made by Sightline's calibration on {result["date"]}. It belongs to the weights with the
hash `{result["thinker_sha256"]}` and to no other model.

- Fitted on {result["screens"]} screenshots ({result["examples"]} questions), {result["masks"]} random masks
  each, operator {result["operator"]}, regions from {result["segmenter"]}; begun with {result["from"]}.
- Judged on {result["held_out_screens"]} screenshots ({result["held_out_examples"]} questions) that taught
  nothing: LDS of steps {_figure(after)}; {was} {_figure(before)}. Ended because {result["ended"]}.

| screenshots | LDS of steps | LDS of tokens |
|---|---|---|
{rows}

The best pass was chosen by the same held-out screenshots, so its figure is a little too kind. It says how
well the estimator does on screenshots and questions like these; of others it says nothing. `sightline
verify` measures any single run.
"""


def _figure(interval: dict[str, Any]) -> str:
    if interval["mean"] is None:
        return "not judged"
    return f"{interval['mean']:.3f} [{interval['low']:.3f}, {interval['high']:.3f}]"
