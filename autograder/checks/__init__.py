"""A folder for each topic, and in it a file for each exercise: what it must do, and the mistakes that are known."""
