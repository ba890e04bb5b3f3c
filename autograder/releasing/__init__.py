"""From a topic's source text to the notebook that learners open."""
