# METADATA
# description: |
#   Which data European law follows, and how far. A word that nobody knows leads out of nothing. Values, not
#   functions, so that each is worked out once for all the rules that ask.
package lib.europe

# One European origin among several is enough; of no origins, every one would be elsewhere.
elsewhere if {
	count(input.dataset.origin) > 0
	states := data.lib.europe.table.states
	every country in input.dataset.origin { not country in states }
}

# Not European, or nobody's any more.
impersonal if {
	elsewhere
} else if {
	input.dataset.identifiability in data.lib.europe.table.not_personal
}

# A place is a country or one of its regions.
inside(place) if {
	is_string(place)
	parts := split(place, "-")
	parts[0] in data.lib.europe.table.states
}
