"""Taking in what was handed in: read as the LMS hands it out, opened whatever saved it, repaired."""
