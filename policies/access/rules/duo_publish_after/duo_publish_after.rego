# It is known until when nothing may be published, where the dataset asks for a delay.
package access.rules

import data.lib.duo
import data.lib.finding

duo_publish_after_findings := data.access.rules.duo_publish_after.table.findings

verdict["duo_publish_after"] := "ok" if {
	codes := data.lib.duo.codes
	term := data.access.rules.duo_publish_after.table.term
	not term in codes
} else := "ok" if {
	duo_publish_after_dated(input)
} else := {finding.made(duo_publish_after_findings.undated)}

duo_publish_after_dated(document) if {
	tags := duo.tags(document, data.access.rules.duo_publish_after.table.term)
	count(tags) > 0
	every tag in tags {
		is_string(tag.date)
		tag.date != ""
	}
}
