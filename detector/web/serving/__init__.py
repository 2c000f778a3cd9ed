"""Where the page is served: its port, certificate and address."""
