"""How checks are written, observed, judged, shown, and proved sound."""
