"""How fast the library is, and against what: measures, the ground they run on, and what is made of them."""
