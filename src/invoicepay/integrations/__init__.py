"""What fits the library into a framework; each part needs that framework, and only once it is used."""
