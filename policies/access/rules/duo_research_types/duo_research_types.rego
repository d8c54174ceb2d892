# The studies are of the types that the dataset is given for.
package access.rules

import data.lib.duo
import data.lib.finding

duo_research_types_findings := data.access.rules.duo_research_types.table.findings

# Where one side says nothing there is nothing to compare: a person looks.
verdict["duo_research_types"] := "ok" if {
	codes := data.lib.duo.codes
	term := data.access.rules.duo_research_types.table.term
	not term in codes
} else := "ok" if {
	duo_research_types_fit(input)
} else := {finding.made(duo_research_types_findings.unfit)} if {
	duo_research_types_outside(input)
} else := {finding.made(duo_research_types_findings.unstated)}

# A list that is empty or not there has no type on it.
duo_research_types_fit(document) if {
	count(document.request.research_types) > 0
	tags := duo.tags(document, data.access.rules.duo_research_types.table.term)
	count(tags) > 0
	every tag in tags {
		every type in document.request.research_types { type in tag.types }
	}
}

# A type beside what one list names is refused, whatever another list leaves open.
duo_research_types_outside(document) if {
	some tag in duo.tags(document, data.access.rules.duo_research_types.table.term)
	count(tag.types) > 0
	some type in document.request.research_types
	not type in tag.types
}
