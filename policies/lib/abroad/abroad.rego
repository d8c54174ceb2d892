# METADATA
# description: |
#   Whether a request gives personal data of Chinese origin abroad, and of how many persons that would be this year.
#   Remote access from abroad is an export as much as sending is. Values, so that each is worked out once.
package lib.abroad

# A place is a country or one of its regions.
at_home if {
	is_string(input.request.processing_location)
	home := data.lib.abroad.table.country
	stored := split(input.request.processing_location, "-")
	stored[0] == home
	is_string(input.user.accessing_from)
	seen := split(input.user.accessing_from, "-")
	seen[0] == home
	input.request.recipient_overseas == false
}

# Where data was collected and whether it is still personal information decide, not who owns the recipient.
unbound if {
	input.dataset.identifiability in data.lib.abroad.table.not_personal
} else if {
	count(input.dataset.origin) > 0
	home := data.lib.abroad.table.country
	every country in input.dataset.origin { country != home }
}

# What is not known to stay, or to be free, is exported.
exported if {
	not at_home
	not unbound
}

# How many persons of sensitive data this year's total comes to with this request, and how many of other data. Only
# what it is counted as grows.
sensitive := input.exports.before.sensitive if {
	data.lib.personal.plain
} else := input.exports.after.sensitive

other := input.exports.after.other if {
	data.lib.personal.plain
} else := input.exports.before.other

counted if {
	is_number(sensitive)
	is_number(other)
}
