"""Moving over from PM2: its list or dump as the ecosystem file one would write by hand."""
