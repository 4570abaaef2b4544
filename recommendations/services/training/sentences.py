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
    "The order is learned for what is heard next: the songs heard last tell it.",
    "Begins with what %(version)s learned, and is not measured.",
    "Read %(n)s interactions of 1 listener and %(songs)s songs (%(left)s left out at their "
    "listeners' wish).",
    "Read %(n)s interactions of 1 listener and %(songs)s songs.",
    "Read %(n)s interactions of %(listeners)s listeners and %(songs)s songs (%(left)s left out "
    "at their listeners' wish).",
    "Read %(n)s interactions of %(listeners)s listeners and %(songs)s songs.",
    "Nobody liked or played anything yet, so there is nothing to learn from.",
    "No listener has a history long enough to take a song out of it.",
    "No recommended song rests on a single song of a history.",
    "The songs' equations cannot be solved; choose a larger regularization.",
    "The preset's weights stay: on %(n)s listeners none measured better.",
    "Found weights for the algorithms on %(n)s listeners: NDCG@10 before variety %(ndcg)s, by the preset's weights "
    "%(given)s.",
    "Not measured: no listener has two songs.",
    "Not measurable yet: songs could be held out of 1 listener's history, and it takes "
    "%(least)s. %(rest)s",
    "Not measurable yet: songs could be held out of 1 listener's history, and it takes %(least)s.",
    "Not measurable yet: songs could be held out of %(n)s listeners' histories, and it takes "
    "%(least)s. %(rest)s",
    "Not measurable yet: songs could be held out of %(n)s listeners' histories, and it takes "
    "%(least)s.",
    "Of the %(of)s songs heard last, 1 is among the first %(k)s of the lists (%(low)s to %(high)s).",
    "Of the %(of)s songs heard last, %(n)s are among the first %(k)s of the lists (%(low)s to "
    "%(high)s).",
    "Of the songs heard last %(ndcg)s, the active version's configuration %(champion)s.",
    "NDCG@10 %(ndcg)s (%(low)s to %(high)s), the active version's configuration %(champion)s. "
    "%(rest)s",
    "NDCG@10 %(ndcg)s (%(low)s to %(high)s), the active version's configuration %(champion)s.",
    "NDCG@10 %(ndcg)s (%(low)s to %(high)s). %(rest)s",
    "NDCG@10 %(ndcg)s (%(low)s to %(high)s).",
    "Fitted %(preset)s in %(seconds)s s.",
    "The cluster fitted %(preset)s in %(seconds)s s.",
    "usearch is not installed, so there is no index: similar songs and lists are exact, and "
    "slower (pip install -r requirements-index.lock).",
    "The index %(name)s of %(component)s finds %(share)s of the ten exact songs, which is too "
    "little: it is not used.",
    "The index %(name)s of %(component)s finds %(share)s of the ten exact songs.",
    "No component has an index.",
    "Nothing was searched: it takes %(least)s listeners who know enough songs to judge by, and this "
    "site has %(n)s.",
    "Estimated missing audio features of %(n)s songs; the intervals hold %(share)s of %(tested)s "
    "known values that were hidden.",
    "Estimated missing audio features of %(n)s songs.",
    "Lists use the estimates, as those of the version before.",
    "Lists do not use the estimates, as those of the version before.",
    "Lists don't use the estimates: what they are worth was not measured.",
    "Lists use the estimates: by sound alone, NDCG@10 is %(filled)s with them and %(bare)s "
    "without (difference %(low)s to %(high)s).",
    "Lists do not use the estimates: by sound alone, NDCG@10 is %(filled)s with them and "
    "%(bare)s without (difference %(low)s to %(high)s).",
    "Listeners who went meanwhile were taken out.",
    "Registered %(version)s (%(size)s MB).",
    "Not activated: %(reason)s",
    "%(version)s is active.",
    "The files of %(versions)s were removed.",
    "Its lists are being computed by job #%(n)s.",
    "Precomputing was stopped; lists are made when somebody asks.",
    "Precomputed 1 list.",
    "Precomputed %(n)s lists.",
    "Cancelled.",
    "No space left on the disk of %(folder)s; the version that serves is not touched.",
    "%(share)s more lists had a song disliked or hidden (at least %(least)s).",
)

ACTIONS = (
    "Requested.",
    "Paused.",
    "Resumed.",
    "Scan requested.",
    "Sync requested.",
    "Withdrawn.",
    "Offered again.",
    "Activated.",
    "Pruned.",
    "Undone.",
    "Merged: %(names)s",
    "start",
    "started",
    "stop",
    "stopped",
    "stopped: %(reason)s",
    "promote: %(arm)s",
    "%(arm)s promoted",
)
"""What operators did, as the admin's log keeps it."""

register_sentences((*SENTENCES, *ACTIONS))
