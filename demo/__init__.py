"""The demo: two small trained models, built, served, evaluated and shown."""
