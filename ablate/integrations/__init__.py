"""What the engine does with other libraries, one module each; each is imported only when it is used."""
