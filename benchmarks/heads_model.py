"""The network of the trained heads and how it is fitted; needs torch (see train_heads.py).

Token states of the encoder's middle, where word order is still plain, are narrowed, mixed with
their neighbours, passed through small transformer layers (Vaswani et al. 2017, pre-norm) and pooled
once a head by attention, and by maximum too, since one broken place is enough to spoil a sentence.
Degree is read a second time, from the encoder's end, by attention alone: that one knows the listed
phrases less well and others better. The mean of the two is the answer.
"""

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

STATE = 384
WIDTH, LAYERS, ATTENTION, INNER = 128, 2, 4, 256
BATCH, EPOCHS, RATE, DECAY, DROPOUT = 64, 4, 1.5e-3, 0.02, 0.1
WEIGHTS = (1.2, 1.0, 0.7, 6.0)  # of the losses: degree, well-formedness, own, degree by the end
THREADS = 1  # two would wait for each other on a busy machine

States = list[NDArray[np.float16]]


@dataclass(frozen=True)
class Data:
    """Token states [T, 768] a sentence (middle, end), and targets [N, 3], NaN where not known."""

    states: States
    targets: NDArray[np.float32]


class Layer(nn.Module):
    """One transformer layer."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.up, self.down = nn.Linear(WIDTH, INNER), nn.Linear(INNER, WIDTH)
        self.dropout = nn.Dropout(DROPOUT)

    def forward(self, x: Tensor, barred: Tensor) -> Tensor:
        size, length = x.shape[0], x.shape[1]
        parts = self.qkv(self.norm1(x)).view(size, length, 3, ATTENTION, WIDTH // ATTENTION)
        q, k, v = parts.permute(2, 0, 3, 1, 4)
        likeness = q @ k.transpose(-1, -2) * (WIDTH // ATTENTION) ** -0.5 + barred[:, None, None]
        mixed = (likeness.softmax(-1) @ v).transpose(1, 2).reshape(size, length, WIDTH)
        x = x + self.dropout(self.out(mixed))
        inner: Tensor = self.down(functional.relu(self.up(self.norm2(x))))
        return x + self.dropout(inner)


class Heads(nn.Module):
    """Token states [B, T, 768] and what is padding (0, or -1e4) [B, T] to logits [B, 4]."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.narrow = nn.LayerNorm(STATE), nn.Linear(STATE, WIDTH)
        self.neighbours = nn.Linear(3 * WIDTH, WIDTH)
        self.layers = nn.ModuleList([Layer() for _ in range(LAYERS)])
        self.last = nn.LayerNorm(WIDTH)
        self.look = nn.Linear(WIDTH, 3)
        self.hidden = nn.ModuleList([nn.Linear(2 * WIDTH, 48) for _ in range(3)])
        self.answer = nn.ModuleList([nn.Linear(48, 1) for _ in range(3)])
        self.dropout = nn.Dropout(DROPOUT)
        self.end = End()

    def forward(self, states: Tensor, barred: Tensor) -> Tensor:
        middle, end = states[:, :, :STATE], states[:, :, STATE:]
        x = self.narrow(self.dropout(self.norm(middle)))
        x = x * (barred > -1).to(x.dtype)[:, :, None]
        around = functional.pad(x, (0, 0, 1, 1))
        near = torch.cat([around[:, :-2], x, around[:, 2:]], dim=-1)
        x = x + functional.relu(self.neighbours(near))
        for layer in self.layers:
            x = layer(x, barred)
        x = self.last(x)
        looks = (self.look(x) + barred[:, :, None]).softmax(1)
        most = (x + barred[:, :, None]).max(1).values
        logits = []
        for at in range(3):
            pooled = (looks[:, :, at : at + 1] * x).sum(1)
            both = self.dropout(torch.cat([pooled, most], dim=-1))
            logits.append(self.answer[at](functional.relu(self.hidden[at](both))))
        return torch.cat([*logits, self.end(end, barred)], dim=-1)


class End(nn.Module):
    """Degree from the encoder's last states by attention pooling."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.narrow = nn.LayerNorm(STATE), nn.Linear(STATE, WIDTH)
        self.look, self.last = nn.Linear(WIDTH, 1), nn.LayerNorm(WIDTH)
        self.hidden, self.answer = nn.Linear(WIDTH, 48), nn.Linear(48, 1)
        self.dropout = nn.Dropout(2 * DROPOUT)

    def forward(self, states: Tensor, barred: Tensor) -> Tensor:
        x = self.last(self.narrow(self.dropout(self.norm(states))))
        pooled = ((self.look(x) + barred[:, :, None]).softmax(1) * x).sum(1)
        hidden = functional.relu(self.hidden(self.dropout(pooled)))
        logit: Tensor = self.answer(self.dropout(hidden))
        return logit


class Single(nn.Module):
    """The heads as they are shipped: [T, 384] twice, of one sentence, to probabilities [3]."""

    def __init__(self, heads: Heads) -> None:
        super().__init__()
        self.heads = heads

    def forward(self, middle: Tensor, end: Tensor) -> Tensor:
        states = torch.cat([middle, end], dim=-1)[None]
        return values(self.heads(states, states[:, :, 0] * 0.0))[0]


def values(logits: Tensor) -> Tensor:
    """Logits [B, 4] to degree, well-formedness and own [B, 3]."""
    p = logits.sigmoid()
    return torch.cat([(p[:, :1] + p[:, 3:]) / 2, p[:, 1:3]], dim=-1)


def fit(data: Data, seed: int, epochs: int = EPOCHS) -> Heads:
    """Trains by AdamW with a one-cycle rate; batches hold sentences of like length."""
    torch.manual_seed(seed)
    torch.set_num_threads(THREADS)
    rng = random.Random(seed)
    heads = Heads()
    optimiser = torch.optim.AdamW(heads.parameters(), lr=RATE, weight_decay=DECAY)
    steps = epochs * len(_batches(data.states, random.Random(0)))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps)
    began = time.monotonic()
    for epoch in range(epochs):
        total, batches = np.zeros(4), _batches(data.states, rng)
        for batch in batches:
            losses = _losses(heads(*padded([data.states[i] for i in batch])), data.targets[batch])
            loss = sum(w * part for w, part in zip(WEIGHTS, losses, strict=True))
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(heads.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            total += [float(part.detach()) for part in losses]
        spent = time.monotonic() - began
        means = np.round(total / len(batches), 3)
        print(f"  epoch {epoch + 1}: losses {means}, {spent:.0f} s", flush=True)
    return heads.eval()


def _losses(logits: Tensor, targets: NDArray[np.float32]) -> list[Tensor]:
    """Cross-entropy of the three heads; the second reading of degree learns by squared error."""
    wanted = torch.from_numpy(targets)
    known = ~torch.isnan(wanted)
    wanted = torch.nan_to_num(wanted)
    raw = functional.binary_cross_entropy_with_logits(logits[:, :3], wanted, reduction="none")
    squared = (logits[:, 3:].sigmoid() - wanted[:, :1]) ** 2
    raw, known = torch.cat([raw, squared], dim=1), torch.cat([known, known[:, :1]], dim=1)
    return [(raw[:, k] * known[:, k]).sum() / known[:, k].sum().clamp(min=1) for k in range(4)]


def padded(states: Sequence[NDArray[np.float16]]) -> tuple[Tensor, Tensor]:
    """Sentences as one batch: states [B, T, 768], and what is padding [B, T]."""
    longest = max(len(s) for s in states)
    filled = np.zeros((len(states), longest, states[0].shape[1]), np.float32)
    barred = np.full((len(states), longest), -1e4, np.float32)
    for i, s in enumerate(states):
        filled[i, : len(s)] = s
        barred[i, : len(s)] = 0
    return torch.from_numpy(filled), torch.from_numpy(barred)


def _batches(states: States, rng: random.Random) -> list[list[int]]:
    order = sorted(range(len(states)), key=lambda i: len(states[i]) + 3 * rng.random())
    batches = [order[at : at + BATCH] for at in range(0, len(order), BATCH)]
    rng.shuffle(batches)
    return batches


def answers(heads: Heads, states: States) -> NDArray[np.float64]:
    """Degree, well-formedness and own of sentences, [N, 3]."""
    torch.set_num_threads(THREADS)
    found = []
    with torch.no_grad():
        for at in range(0, len(states), BATCH):
            found.append(values(heads(*padded(states[at : at + BATCH]))).numpy())
    return np.concatenate(found).astype(np.float64)


def export(heads: Heads, file: Path) -> None:
    """Writes the heads as ONNX with a free number of tokens."""
    example: Any = torch.zeros(7, STATE)
    tokens = {0: torch.export.Dim("tokens", min=2, max=512)}
    torch.onnx.export(
        Single(heads).eval(), (example, example), str(file), input_names=["middle", "end"],
        output_names=["heads"], dynamic_shapes=(tokens, tokens), dynamo=True,
        external_data=False, verbose=False,
    )  # fmt: skip
