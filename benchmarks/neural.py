"""Neural collaborative filtering and a transformer, for `benchmarks/families.py`; they need torch.

torch is no part of the project: `requirements-families.txt` says how an environment of its own is made. Both run on the
processor and are trained with a fixed seed; they learn from the listens alone, the transformer from their order, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from torch import Tensor, nn

Scorer = Callable[[NDArray[np.intp]], NDArray[np.float32]]


class NeuMF(nn.Module):
    """Neural matrix factorisation (He et al. 2017): factors multiplied, beside a network over both sides' factors.

    Parameters
    ----------
    n_factors
        Of each of the four tables; the network narrows from twice as many to half as many.
    n_negatives
        Random items that are compared with each heard one.
    """

    def __init__(self, n_listeners: int, n_items: int, n_factors: int, dropout: float) -> None:
        super().__init__()
        self.factors = nn.ModuleList(
            nn.Embedding(n, n_factors) for n in (n_listeners, n_items, n_listeners, n_items)
        )
        for table in self.factors:
            nn.init.normal_(table.weight, std=0.05)
        widths = (2 * n_factors, n_factors, n_factors // 2)
        layers: list[nn.Module] = []
        for width, narrower in pairwise(widths):
            layers += [nn.Dropout(dropout), nn.Linear(width, narrower), nn.ReLU()]
        self.network = nn.Sequential(*layers)
        self.output = nn.Linear(n_factors + widths[-1], 1)

    def forward(self, listeners: Tensor, items: Tensor) -> Tensor:
        """Return the logit of each pair; both arguments broadcast against each other."""
        listeners, items = torch.broadcast_tensors(listeners, items)
        own, its, own_deep, its_deep = (
            table(rows)
            for table, rows in zip(self.factors, (listeners, items, listeners, items), strict=True)
        )
        deep = self.network(torch.cat([own_deep, its_deep], dim=-1))
        return self.output(torch.cat([own * its, deep], dim=-1)).squeeze(-1)


def fit_neumf(
    heard: csr_matrix,
    seed: int,
    *,
    n_factors: int = 64,
    n_epochs: int = 20,
    n_negatives: int = 4,
    learning_rate: float = 0.002,
    weight_decay: float = 0.0,
    dropout: float = 0.2,
    batch: int = 4096,
) -> Scorer:
    """Tell heard items from random ones by logistic loss; return what scores listeners x all items."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    pairs = heard.tocoo()
    model = NeuMF(*heard.shape, n_factors, dropout)
    optimizer = torch.optim.Adam(model.parameters(), learning_rate, weight_decay=weight_decay)
    loss = nn.BCEWithLogitsLoss()
    for _ in range(n_epochs):
        model.train()
        order = rng.permutation(pairs.nnz)
        for start in range(0, pairs.nnz, batch):
            some = order[start : start + batch]
            listeners = torch.from_numpy(pairs.row[some].astype(np.int64))[:, None]
            negatives = rng.integers(0, heard.shape[1], (len(some), n_negatives))
            items = np.column_stack([pairs.col[some], negatives]).astype(np.int64)
            wanted = torch.zeros(items.shape)
            wanted[:, 0] = 1
            optimizer.zero_grad()
            loss(model(listeners, torch.from_numpy(items)), wanted).backward()
            optimizer.step()
    model.eval()

    @torch.no_grad()
    def score(rows: NDArray[np.intp]) -> NDArray[np.float32]:
        items = torch.arange(heard.shape[1])
        # a listener at a time: all pairs of a block would take gigabytes
        scores = [model(torch.tensor(int(row)), items) for row in rows]
        return torch.stack(scores).numpy()

    return score


class SASRec(nn.Module):
    """Self-attentive sequential recommendation (Kang and McAuley 2018): what comes behind each place of a sequence.

    Item 0 fills up; item i of the matrix is i + 1.
    """

    def __init__(
        self, n_items: int, length: int, n_factors: int, n_blocks: int, n_heads: int, dropout: float
    ) -> None:
        super().__init__()
        self.items = nn.Embedding(n_items + 1, n_factors, padding_idx=0)
        self.positions = nn.Embedding(length, n_factors)
        for table in (self.items, self.positions):
            nn.init.normal_(table.weight, std=0.02)
        self.dropout = nn.Dropout(dropout)
        block = nn.TransformerEncoderLayer(
            n_factors, n_heads, 4 * n_factors, dropout, "gelu", batch_first=True, norm_first=True
        )
        self.encoder = nn.TransformerEncoder(
            block, n_blocks, nn.LayerNorm(n_factors), enable_nested_tensor=False
        )
        self.register_buffer("mask", nn.Transformer.generate_square_subsequent_mask(length))

    def forward(self, sequences: Tensor) -> Tensor:
        """Return the state behind each place: (n, length, n_factors)."""
        n_places = sequences.shape[1]
        positions = torch.arange(n_places)
        states = self.dropout(self.items(sequences) + self.positions(positions))
        mask = self.mask[:n_places, :n_places]
        return self.encoder(states, mask=mask, is_causal=True)


def fit_sasrec(
    heard: csr_matrix,
    order: csr_matrix,
    seed: int,
    *,
    n_factors: int = 128,
    n_blocks: int = 2,
    n_heads: int = 2,
    dropout: float = 0.2,
    length: int = 100,
    n_epochs: int = 20,
    n_negatives: int = 2000,
    learning_rate: float = 0.001,
    batch: int = 128,
) -> Scorer:
    """Learn to name the next item by softmax over it and random items that a batch has in common.

    The cross-entropy over many items is the strong form of SASRec (Klenitskiy and Vasilev 2023); its first one, a
    single random item each, finds less.

    Parameters
    ----------
    order : csr_matrix
        Place of each entry of `heard` in its listener's order, from 1.
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    sequences = _cut_sequences(order, length)
    lengths = np.array([len(one) for one in sequences])
    learned = np.flatnonzero(lengths > 1)
    model = SASRec(heard.shape[1], length, n_factors, n_blocks, n_heads, dropout)
    optimizer = torch.optim.Adam(model.parameters(), learning_rate, betas=(0.9, 0.98))
    for _ in range(n_epochs):
        model.train()
        for rows in _batches_of_like_length(learned, lengths, batch, rng):
            padded = torch.from_numpy(_pad([sequences[row] for row in rows]))
            given, wanted = padded[:, :-1], padded[:, 1:]
            is_asked = wanted > 0
            states, wanted = model(given)[is_asked], wanted[is_asked]
            others = torch.from_numpy(rng.integers(1, heard.shape[1] + 1, n_negatives))
            right = (states * model.items(wanted)).sum(-1, keepdim=True)
            wrong = states @ model.items(others).T
            wrong = wrong.masked_fill(others[None, :] == wanted[:, None], -torch.inf)
            optimizer.zero_grad()
            logits = torch.cat([right, wrong], dim=1)
            answer = torch.zeros(len(logits), dtype=torch.long)
            nn.functional.cross_entropy(logits, answer).backward()
            optimizer.step()
    model.eval()

    @torch.no_grad()
    def score(rows: NDArray[np.intp]) -> NDArray[np.float32]:
        scores = np.zeros((len(rows), heard.shape[1]), dtype=np.float32)
        with_items = [index for index, row in enumerate(rows) if len(sequences[row])]
        padded = torch.from_numpy(_pad([sequences[rows[index]] for index in with_items]))
        last = (padded > 0).sum(1) - 1
        states = model(padded)[torch.arange(len(with_items)), last]
        scores[with_items] = (states @ model.items.weight[1:].T).numpy()
        return scores

    return score


def _cut_sequences(order: csr_matrix, length: int) -> list[NDArray[np.int64]]:
    """Return each listener's last `length` items in their order, from 1."""
    sequences = []
    for start, end in pairwise(order.indptr):
        by_place = np.argsort(order.data[start:end], kind="stable")
        sequences.append(order.indices[start:end][by_place][-length:].astype(np.int64) + 1)
    return sequences


def _batches_of_like_length(
    rows: NDArray[np.intp], lengths: NDArray[np.intp], batch: int, rng: np.random.Generator
) -> Iterator[NDArray[np.intp]]:
    """Yield batches in random order; those of one batch are of nearly the same length."""
    shuffled = rng.permutation(rows)
    alike = shuffled[np.argsort(lengths[shuffled], kind="stable")]
    starts = np.arange(0, len(alike), batch)
    for start in rng.permutation(starts):
        yield alike[start : start + batch]


def _pad(sequences: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    padded = np.zeros((len(sequences), max(map(len, sequences))), dtype=np.int64)
    for row, one in enumerate(sequences):
        padded[row, : len(one)] = one
    return padded
