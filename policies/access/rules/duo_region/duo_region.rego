# The data is processed and seen inside the region it is given for.
package access.rules

import data.lib.duo
import data.lib.finding

duo_region_findings := data.access.rules.duo_region.table.findings

verdict["duo_region"] := "ok" if {
	codes := data.lib.duo.codes
	term := data.access.rules.duo_region.table.term
	not term in codes
} else := "ok" if {
	duo_region_kept(input)
} else := {finding.made(duo_region_findings.outside)}

duo_region_kept(document) if {
	tags := duo.tags(document, data.access.rules.duo_region.table.term)
	count(tags) > 0
	every tag in tags {
		duo_region_inside(document.request.processing_location, tag.regions)
		duo_region_inside(document.user.accessing_from, tag.regions)
	}
}

# A place is a country or one of its parts: a part is inside its country, a country is inside none of its parts.
duo_region_inside(place, regions) if {
	place in regions
} else if {
	is_string(place)
	split(place, "-")[0] in regions
}
