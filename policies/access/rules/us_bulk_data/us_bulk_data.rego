# Bulk personal data of the United States does not reach a country of concern, anonymised or not.
package access.rules

import data.lib.finding

us_bulk_data_findings := data.access.rules.us_bulk_data.table.findings

verdict["us_bulk_data"] := "ok" if {
	us_bulk_data_elsewhere(input)
} else := "ok" if {
	us_bulk_data_unconcerned(input)
} else := "ok" if {
	us_bulk_data_few(input)
} else := {finding.made(us_bulk_data_findings.bulk)}

us_bulk_data_elsewhere(document) if {
	count(document.dataset.origin) > 0
	every country in document.dataset.origin { country != data.access.rules.us_bulk_data.table.country }
}

us_bulk_data_unconcerned(document) if {
	us_bulk_data_other(document.participant.country)
	us_bulk_data_other(document.request.processing_location)
	us_bulk_data_other(document.user.accessing_from)
}

us_bulk_data_other(place) if {
	is_string(place)
	country := split(place, "-")[0]
	every concern in data.access.rules.us_bulk_data.table.concerns { country != concern }
}

# Fewer than the number of each kind of data in it.
us_bulk_data_few(document) if {
	is_number(document.dataset.persons)
	count(document.dataset.contains) > 0
	table := data.access.rules.us_bulk_data.table
	every kind in document.dataset.contains {
		document.dataset.persons < object.get(table.persons, kind, table.persons_otherwise)
	}
}
