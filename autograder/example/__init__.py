"""A class to try grading on."""
