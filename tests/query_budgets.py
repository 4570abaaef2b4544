"""How many SQL queries each page may need, whatever it shows: tests/pages/test_budgets.py holds the pages to it.

A page whose number must rise gets it raised here, in the same change, with the reason in its message.
"""

# For a signed-in listener with a history and a trained model. Three of each are session, user and savepoints of those.
BUDGETS = {
    "/": 15,
    "/home/because/?turn=1": 14,
    "/welcome/": 8,
    "/songs/{song}/": 17,
    "/songs/{song}/why/": 21,
    "/artists/{artist}/": 39,  # one of them: whether the artist is liked
    "/albums/{album}/": 14,
    "/browse/": 8,
    "/browse/?q=song&energy_min=10": 17,
    "/library/": 6,
    "/library/dislikes/": 4,
    "/library/hidden/": 4,
    "/library/history/": 8,
    "/library/listening/": 30,
    "/library/listening/2026/": 14,
    "/library/imports/": 4,
    "/playlists/": 8,
    "/blends/": 5,
    "/taste/": 14,
    "/taste/?preview=1&discovery=80": 32,
    "/settings/": 4,  # with whether there is a music server to join
    "/settings/delete/": 2,
    "/settings/deletions/": 3,
    "/settings/servers/": 4,
    "/password/change/": 2,
    "/password/reset/": 2,
    "/search/suggestions/?q=song": 11,
    "/library/beyond/": 2,
    "/settings/tokens/": 4,
    "/settings/my-data.json": 26,  # with the week's playlists, which the home page made
    "/try/?song={song}": 14,
    "/path/?q=song": 5,
    "/path/?start={song}&end=1&n=6": 16,
    "/next-up/": 15,
    "/rediscover/": 9,
    "/connect/": 2,
    "/connect/pano/?after=0": 5,
}

# The home page when nothing is cached but what every process holds of the model. One of them, the operator's rules for
# lists, is asked once a minute for all listeners.
COLD_HOME_BUDGET = 20
# After the answer, to record the lists that were served: all by one insert, what their histories take, and whether
# their listeners have deleted anything since.
RECORDING_BUDGET = 8

# Without an account.
VISITOR_BUDGETS = {"/": 12, "/login/": 0, "/signup/": 0, "/browse/": 4, "/try/?song={song}": 11}

# What a like costs, from the click to the answer.
LIKE_BUDGET = 14

# The API, for a listener with a token, a history and a trained model; the token costs one. A list of recommendations
# that nothing has changed is answered from the cache.
API_BUDGETS = {
    "songs/": 5,
    "songs/?search=song&energy_min=0.1": 5,
    "songs/{song}/": 4,
    "songs/{song}/similar/": 9,
    "songs/{song}/path/?to=song_01": 12,
    "songs/{song}/explanation/": 12,
    "songs/{song}/why-not/": 14,
    "artists/": 3,
    "artists/{artist}/": 2,
    "genres/": 3,
    "recommendations/": 3,
    "me/blends/": 5,
    "recommendations/?liked={song}": 9,
    "me/": 1,
    "me/history/": 4,
    "me/opinions/": 4,
    "me/hidden/": 4,
    "me/next-up/": 14,
    "me/rediscover/": 8,
    "me/taste/": 10,
    "me/beyond-library/": 2,
    "me/export/": 23,
    "me/imports/": 2,
    "me/statistics/": 14,
    "me/statistics/{entity}/": 7,
    "playlists/": 3,
    "playlists/{playlist}/": 5,
    "playlists/{playlist}/continue/": 14,
    "playlists/{playlist}/export/": 5,
}
# The operations that change something, and those that name a thing of the listener's or of the operators.
# A play marks its month for the kept sums: one statement more.
API_CHANGE_BUDGETS = {
    "get me/blends/{blend}/": 8,
    "delete me/blends/{blend}/": 12,
    "post me/blends/": 8,
    "post me/blends/{blend}/invitations/": 12,
    "post me/blends/{blend}/join/": 7,
    "post experiments/": 14,
    "post experiments/{draft}/start/": 16,
    "put artists/{artist}/hidden/": 13,
    "delete artists/{artist}/hidden/": 7,
    "get genres/{genre}/": 5,
    "post impressions/": 6,
    "post impressions/{impression}/outcomes/": 9,
    "post interactions/": 14,
    "post interactions/batch/": 15,
    "patch me/": 6,
    # the password and its limits, sessions, imports and their songs, every table
    "delete me/?confirm=alice": 79,  # PostgreSQL locks the account in a query of its own
    "delete me/history/?confirm=everything": 10,
    "delete me/history/{entry}/": 10,
    "post me/imports/": 12,  # the quotas are counted under a lock on the listener
    "get me/imports/{import}/": 5,
    "delete me/imports/{import}/": 18,
    "post me/generated-playlists/": 32,
    "patch me/taste/": 26,
    "get experiments/": 7,
    "get experiments/{experiment}/": 12,
    "post experiments/{experiment}/stop/": 12,
    "post experiments/{experiment}/promote/": 20,
    "get model-versions/": 6,
    "get model-versions/{version}/": 5,
    "post model-versions/{version}/activate/": 8,
    "post model-versions/roll-back/": 6,
    "post playlists/": 12,
    "patch playlists/{playlist}/": 9,
    "delete playlists/{playlist}/": 6,
    "post playlists/{playlist}/items/": 14,
    "patch playlists/{playlist}/items/{item}/": 12,
    "delete playlists/{playlist}/items/{item}/": 10,
    "put songs/{song}/dislike/": 11,
    "delete songs/{song}/dislike/": 6,
    "put songs/{song}/hidden/": 14,
    "delete songs/{song}/hidden/": 8,
    "put songs/{song}/ignored/": 14,
    "delete songs/{song}/ignored/": 8,
    "put songs/{song}/like/": 11,
    "delete songs/{song}/like/": 6,
    "get training-runs/": 6,
    "post training-runs/": 10,
    "get training-runs/{run}/": 5,
    "post training-runs/{run}/cancel/": 9,
}
API_LIKE_BUDGET = 14
# Four of them record the list, after the answer.
API_FRESH_LIST_BUDGET = 22

# The operator's start page, its daily figures from the cache.
DASHBOARD_BUDGET = 40
