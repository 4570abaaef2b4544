"""What can be tuned about imports: how much a listener may bring, and how far a file is read."""

from common.tunables import Tunable, TunableGroup


class CatalogTunables(TunableGroup):
    """The tunables of the catalog."""

    import_file_mb = Tunable(1024, "MB", "The largest file that a page or the API takes.", least=1)
    import_waiting = Tunable(
        3, "files", "Files of one listener that may wait or be read at once.", least=1
    )
    import_waiting_mb = Tunable(
        2048, "MB", "Size of a listener's files that may wait or be read at once.", least=1
    )
    import_files_a_day = Tunable(
        30, "files", "Files that one listener may bring within 24 hours.", least=1
    )
    import_unpacked_mb = Tunable(
        4096, "MB", "An uploaded file that unpacks to more is refused.", least=1
    )
    import_rows = Tunable(5_000_000, "rows", "Rows that are read of one uploaded file.", least=1)
    import_rejects_in_row = Tunable(
        20_000, "rows", "An import ends after so many rows in a row that can't be read.", least=1
    )
    import_row_seconds = Tunable(
        20.0, "s", "An import ends at a row whose reading takes so much processor time.", least=0.1
    )
    import_time_limit = Tunable(
        180, "s", "A worker whose turn at one import takes so long is killed.", least=1
    )
    server_sync_time_limit = Tunable(
        3600, "s", "A worker whose turn at one music server takes so long is killed.", least=60
    )
    server_streams = Tunable(
        2, "streams", "Songs that one web process fetches from music servers at once.", least=1
    )
    analyser_seconds = Tunable(
        120, "s", "The analyser is ended when it takes so long for a song.", least=1
    )
    cover_cache_mb = Tunable(256, "MB", "Size of the scaled covers that are kept on disk.", least=1)
    rejected_rows_days = Tunable(
        30, "days", "The rows of an import that could not be read are listed so long.", least=1
    )
    import_runs_days = Tunable(
        180, "days", "Imports that brought nothing that is still there are listed so long.", least=2
    )


catalog_conf = CatalogTunables()
