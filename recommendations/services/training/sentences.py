"""What trainings, their gate and experiments store, for those who read it in another language."""

from common.stored_text import register_sentences

SENTENCES = (
    "The worker stopped without a word in %(n)s attempts. The usual cause is too little "
    "memory; the worker's log and the system's (dmesg) tell more.",
    "The worker stopped without a word in %(n)s attempts, the last time at “%(stage)s”. The"
    " usual cause is too little memory; the worker's log and the system's (dmesg) tell "
    "more.",
    "The memory ran out at “%(stage)s”.",
    "waiting again: the worker stopped without a word",
    "waiting again: the worker was stopped",
    "waiting for the cluster",
    "the start",
    "reading",
    "evaluating",
    "fitting",
    "saving",
    "activating",
    "precomputing",
    "estimating",
    "NDCG@10 is %(ndcg)s, the active version's configuration reaches %(champion)s on the "
    "same split (difference %(low)s to %(high)s). Activate it by hand if that is meant.",
    "NDCG@10 on the songs heard last is %(ndcg)s, the active version's configuration reaches %(champion)s on the "
    "same split (difference %(low)s to %(high)s). Activate it by hand if that is meant.",
    "NDCG@10 fell from %(before)s (%(version)s) to %(ndcg)s with the same configuration; "
    "look at the newest imports. Activate it by hand if that is meant.",
    "%(share)s fewer lists were clicked (at least %(least)s).",
    "%(share)s more lists had a song disliked or hidden (at least %(least)s).",
)

register_sentences(SENTENCES)
