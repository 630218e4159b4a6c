"""The nouns of Ostiary: plain frozen data, errors and ports. Imports nothing of the other rooms."""
