from recommendations.admin import (
    experiments,
    listeners,
    records,
    served_lists,
    training,
    versions,
)

__all__ = ["experiments", "listeners", "records", "served_lists", "training", "versions"]
