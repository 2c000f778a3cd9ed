"""spasmwatch: watches a movement sensor on the leg and finds likely spasms and clonus."""
