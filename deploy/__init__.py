"""How Genproj is put to work: Compose, systemd, nginx, and the scale-out form on one machine."""
