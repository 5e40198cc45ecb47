"""The only writers of the register and the catalogue, by what they are about."""
