# METADATA
# description: Which data European law follows, and how far. A word that nobody knows leads out of nothing.
package lib.europe

# One European origin among several is enough; of no origins, every one would be elsewhere.
elsewhere(document) if {
	count(document.dataset.origin) > 0
	every country in document.dataset.origin { not country in data.lib.europe.table.states }
}

# Not European, or nobody's any more.
impersonal(document) if {
	elsewhere(document)
} else if {
	document.dataset.identifiability in data.lib.europe.table.not_personal
}

# A place is a country or one of its regions.
inside(place) if {
	parts := split(place, "-")
	parts[0] in data.lib.europe.table.states
}
