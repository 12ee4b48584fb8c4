"""The nouns: pure values and the rules that hold for each of them alone."""
