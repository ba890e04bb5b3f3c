"""The course folder, as nbgrader keeps it: its settings, its files, its gradebook."""
