"""One module per topic: what its exercises must do, and the mistakes that it can recognise."""
