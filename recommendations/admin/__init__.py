from recommendations.admin import experiments, listeners, records, training, versions

__all__ = ["experiments", "listeners", "records", "training", "versions"]
