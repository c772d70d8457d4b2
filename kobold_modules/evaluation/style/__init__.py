"""How near a text is to an author: measures of style, each between a floor and a ceiling."""
