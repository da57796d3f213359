"""Run programs that nobody has read: in a worker process, under limits, JSON text in and out.

The host process (this one) never imports the interpreter of untrusted programs and never
unpickles anything. See `sandbox.py` for the way in and `runner.py` for the border itself.
"""

from generators.sandbox.limits import Limits, Outcome, Verdict
from generators.sandbox.sandbox import Sandbox, probe

__all__ = ["Limits", "Outcome", "Sandbox", "Verdict", "probe"]
