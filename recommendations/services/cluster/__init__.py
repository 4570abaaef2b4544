"""Trainings and lists beyond one machine: on a Spark cluster, from the files of the columnar copy."""
