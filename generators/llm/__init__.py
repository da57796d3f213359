"""Language models: one careful client for any OpenAI-compatible server.

    with LanguageModel(settings) as model:
        answer = model.ask(Request("respond", chat("How are you?"), max_tokens=20))

Nothing here imports an HTTP client before a call is made.
"""

from generators.llm.capabilities import Capabilities
from generators.llm.errors import (
    BudgetSpent,
    LLMError,
    NotRecorded,
    Reason,
    ServerDown,
    ServerRefuses,
)
from generators.llm.ledger import Ledger
from generators.llm.messages import Answer, Request, TokenLogprobs, Usage, chat
from generators.llm.model import LanguageModel
from generators.llm.settings import Settings, settings_from

__all__ = [
    "Answer",
    "BudgetSpent",
    "Capabilities",
    "LLMError",
    "LanguageModel",
    "Ledger",
    "NotRecorded",
    "Reason",
    "Request",
    "ServerDown",
    "ServerRefuses",
    "Settings",
    "TokenLogprobs",
    "Usage",
    "chat",
    "settings_from",
]
