# Core data of the state is out of reach.
package access.rules

import data.lib.finding

verdict["core_data"] := "ok" if {
	input.dataset.core_data == false
} else := {finding.deny(
	"DSL-01",
	"The dataset is core data of the state, or not shown to be none.",
	["dataset.core_data"],
	"DSL 21, NDSR 63",
	"There is no remedy for this dataset.",
)}
